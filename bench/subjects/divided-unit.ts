import { setTimeout as pause } from 'node:timers/promises'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { LogConnections } from '@spacegrid/grid/drivers/nats/log-connections'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { PartitionServices } from '@spacegrid/runtime/partitions/partition-services'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { DividedKeys, dividedSpace } from '../partitions/divided-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface DividedUnitOptions {
  readonly natsUrl: string
  readonly space: string
  /** With one it is the unit of a space that is not divided: it keeps everything. */
  readonly partitions: number
  readonly copies: number
  readonly number: number
  readonly entries: number
}

/** What a unit keeps, as its parent is told. */
export interface Kept {
  readonly members: number
  /** Nothing is on its way, and nothing is missing, as this unit sees it. */
  readonly settled: boolean
  /** Of each partition: the name of the unit that commands go to. */
  readonly homes: readonly (string | null)[]
  /** Entries, by partition that is kept here. */
  readonly entries: ReadonlyMap<number, number>
}

export interface DividedUsage {
  readonly bytes: number
  readonly cpuMs: number
}

type AnyUnit = ProcessingUnit | PartitionedUnit

/** Keys that all commands of `moveFew` are about. */
export const fewKeys = 8
const loadsAtOnce = 8
const loadBatch = 5000
const echoTimeoutMs = 5000
const unitOptions = { sources: ['peer', 'log'] } as const

/** A unit of a space that may be divided, on JetStream and NATS, with its NATS services. */
export async function open(options: DividedUnitOptions): Promise<Subject> {
  const { natsUrl, space, partitions, number } = options
  const name = `unit-${number}`
  const keys = new DividedKeys(options.entries, partitions)
  const messaging = await NatsMessaging.open(natsUrl, { name })
  const { unit, close } = await start(name, messaging, options)
  const ready = unit.readiness.bind(unit)
  while (!ready().ready) await pause(5)
  const log = { error: (_details: object, message: string) => process.stderr.write(`${message}\n`) }
  const services = [await serveSpace(messaging, unit, { log })]
  if (unit instanceof PartitionedUnit)
    services.push(new PartitionServices(messaging, unit, { log }))
  const echo = `bench.${space}.echo`
  services.push(messaging.respond(`${echo}.${number}`, ({ data }) => ({ data })))

  // Which partitions, for the operations below; what it keeps does not change while they run.
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const homes = (of: string) => {
    if (unit instanceof ProcessingUnit) return all
    const found = unit.placement().homes
    return all.filter((partition) => found[partition] === of)
  }
  let own: readonly number[] = all
  let others: readonly number[] = all
  const touch = (itemId: string) => unit.execute('touch', { itemId, by: 1 })
  const move = (from: number, to: number) =>
    unit.execute('move', { from: keys.keyAt(from, all), to: keys.keyAt(to, all), by: 1 })
  const query = (itemId: string) => unit.query('item', { itemId })
  const nothing = Buffer.from(JSON.stringify({ itemId: keys.keyAt(0, all) }))
  return {
    operations: {
      touchOwn: (turn) => touch(keys.keyAt(turn, own)),
      touchOther: (turn) => touch(keys.keyAt(turn, others)),
      touchAny: (turn) => touch(keys.keyAt(turn, all)),
      touchHot: () => unit.execute('touchHot', { itemId: keys.keyAt(0, all), by: 1 }),
      queryOwn: (turn) => query(keys.keyAt(turn, own)),
      queryOther: (turn) => query(keys.keyAt(turn, others)),
      /** Between one partition and the next, and no entry that was touched a moment ago. */
      move: (turn) => move(2 * turn, 2 * turn + 1),
      /** Each from where the one before has gone to: as a caller who goes on with something. */
      moveOn: (turn) => move(turn, turn + 1),
      /** Two to four of the few keys that everybody wants. */
      touchFew: (turn) => {
        // As if at random, and the same ones in every run: a multiplicative hash of the turn.
        const choice = Math.imul(2 * turn + number + 1, 0x9e3779b1) >>> 8
        const count = 2 + (choice % 3)
        const step = 1 + 2 * (Math.floor(choice / 3) % (fewKeys / 2))
        const first = Math.floor(choice / 16) % fewKeys
        const chosen = Array.from({ length: count }, (_, at) => (first + at * step) % fewKeys)
        const itemIds = chosen.map((at) => keys.keyAt(at, all))
        return unit.execute('touchAll', { itemIds })
      },
      /** A request to the other unit of two that does nothing. */
      echo: () => messaging.request(`${echo}.${1 - number}`, nothing, { timeoutMs: echoTimeoutMs }),
    },
    retries: () => unit.status().collisions,
    requests: {
      load: () => load(unit, keys),
      /** From now on `own` are the partitions that it is home of; how many these are. */
      choose: () => {
        own = homes(name)
        others = all.filter((partition) => !own.includes(partition))
        return own.length
      },
      kept: () => keptBy(unit),
      isHomeOfHot: () => homeOf(unit, keys.partitionOf(keys.keyAt(0, all))) === name,
      usage: (): DividedUsage => usageOf(),
    },
    close: async () => {
      await Promise.all(services.map((service) => service.stop()))
      await close()
      await messaging.close()
    },
  }
}

async function start(
  name: string,
  messaging: NatsMessaging,
  { natsUrl, space, partitions, copies }: DividedUnitOptions,
): Promise<{ unit: AnyUnit; close(): Promise<void> }> {
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const definition = dividedSpace(space, partitions)
  // As in production: two connections for all logs of a divided space, two for an only one.
  const connections = await LogConnections.open(natsUrl, { name: `${name} logs` })
  const openLog = (logName: string) =>
    JetStreamLog.open(connections, {
      stream: streams.log(logName),
      subject: subjects.log(logName),
    })
  if (partitions === 1) {
    const log = await openLog(space)
    const unit = new ProcessingUnit(
      name,
      definition,
      { log, messaging, clock, random },
      unitOptions,
    )
    unit.start()
    const close = async () => {
      await unit.stop()
      await log.close()
      await connections.close()
    }
    return { unit, close }
  }
  const open = async (partition: number) => {
    const log = await openLog(logNameOf(space, partition))
    return { log, messaging, clock, random, close: () => log.close() }
  }
  const ports = { messaging, clock, random, open }
  // Nobody waits for others to take over what a unit of a finished measurement keeps.
  const settings = { copies, unit: unitOptions, relieveMsMax: 0 }
  const unit = new PartitionedUnit(name, definition, ports, settings)
  unit.start()
  const close = async () => {
    await unit.stop()
    await connections.close()
  }
  return { unit, close }
}

async function load(unit: AnyUnit, keys: DividedKeys): Promise<number> {
  const buckets = keys.buckets.values()
  const loadSome = async () => {
    for (const bucket of buckets)
      for (let from = 0; from < keys.bucketEntries; from += loadBatch) {
        const count = Math.min(loadBatch, keys.bucketEntries - from)
        await unit.execute('load', { bucket, from, count })
      }
  }
  await Promise.all(Array.from({ length: loadsAtOnce }, loadSome))
  return keys.buckets.length * keys.bucketEntries
}

function keptBy(unit: AnyUnit): Kept {
  if (unit instanceof ProcessingUnit)
    return {
      members: 1,
      settled: unit.readiness().ready,
      homes: [unit.name],
      entries: new Map([[0, unit.status().entries]]),
    }
  const { members, homes, moving, scarce, missing } = unit.placement()
  const isStill = members.every(({ joining, leaving }) => joining.length + leaving.length === 0)
  return {
    members: members.length,
    settled: isStill && moving === 0 && scarce.length === 0 && missing === 0,
    homes,
    entries: new Map([...unit.kept].map(([at, part]) => [at, part.status().entries])),
  }
}

/** Of a partition, or of the hot key in a space with one. */
const homeOf = (unit: AnyUnit, partition: number): string | null | undefined =>
  unit instanceof ProcessingUnit
    ? unit.affinity?.keys.find(({ home }) => home !== null)?.home
    : unit.placement().homes[partition]

const cpuMsOf = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** After a collection. */
function usageOf(): DividedUsage {
  // What a buffer outside the heap takes is given back only after the first collection.
  for (let pass = 0; pass < 2; pass++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return { bytes: heapUsed + external, cpuMs: cpuMsOf() }
}
