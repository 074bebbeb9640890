import { type LogName, logNamesOf } from '../core/log-name.ts'
import type { Report } from '../engine/life/role-event.ts'
import { type MemoryLimits, sharedLimits } from '../engine/memory/memory-limits.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { EventStream } from '../engine/ports/event-stream.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Store } from '../engine/ports/store.ts'
import type { Telemetry } from '../engine/ports/telemetry.ts'
import type { Tracing } from '../engine/ports/tracing.ts'
import { CheckedComponent } from './checked-component.ts'
import type { Component } from './component.ts'
import type { Environment, EnvironmentName } from './environment.ts'
import { type NamedSpace, namedSpaces, streamShare } from './named-spaces.ts'
import type { ProcessAdapters } from './process-adapters.ts'
import { runRole } from './role-program.ts'
import { type OpenedPart, SharedWork } from './shared-work.ts'
import { StoreAdapters } from './store-adapters.ts'
import { pastBytes } from './stream-bytes.ts'

/** What a component of one log may work with. */
export interface ComponentPorts {
  readonly log: Log
  readonly changes: Log
  /** Where snapshots are kept for the past; undefined: none are. */
  readonly past: Log | undefined
  /** What they may take, and the log behind them. */
  readonly pastBytesMax: number
  readonly events: EventStream
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Only for programs that need `MONGODB_URL`. */
  readonly store: Store
  /** Without `REDIS_URL` there is no warm image. */
  readonly image: { readonly image?: Store }
  readonly telemetry: Telemetry
  /** undefined: nobody traces commands. */
  readonly tracing: Tracing | undefined
  /** What fits into the process, beside all others that are in it. */
  readonly limits: MemoryLimits
}

export interface ComponentProgram {
  /** Such as `data-pump`. */
  readonly role: string
  /** Variables that the program cannot do without. */
  readonly required: readonly EnvironmentName[]
  /** As `SPACES` has it, where that is not set. Left out: it must be. */
  readonly spaces?: string | undefined
  /** Whether it works with the snapshots that are kept for the past. */
  readonly keepsPast?: boolean
  readonly create: (
    logName: LogName,
    ports: ComponentPorts,
    report: Report,
    environment: Environment,
  ) => Component
}

/**
 * A role without doors of its own, for each space of `SPACES`: data pump, data writer or data
 * reader. Of a space with several partitions it has a component for each that falls to it among
 * the processes that run.
 */
export async function runComponent(program: ComponentProgram): Promise<void> {
  const { role, required, spaces } = program
  const needed: EnvironmentName[] = spaces === undefined ? ['SPACES'] : []
  await runRole(role, [...required, ...needed], (environment) => {
    const named = new Map(
      namedSpaces(environment.SPACES ?? spaces ?? '').map((space) => [space.name, space]),
    )
    let stores: StoreAdapters | undefined
    return {
      spaces: [...named.keys()],
      calledBy: role,
      names: (logName) => ({ space: logName }),
      where: (logName) => `space ${logName}`,
      create: async (name, adapters, reportOf, telemetry) => {
        const space = named.get(name) as NamedSpace
        stores ??= new StoreAdapters(environment, adapters)
        const own = { adapters, stores, telemetry }
        const open = (logName: LogName) =>
          openPart(program, logName, space, own, reportOf(logName), environment)
        if (space.partitions === 1) return (await open(name)).component
        await findStreams(space, adapters)
        return await shareWork(space, role, environment, adapters, open)
      },
    }
  })
}

/**
 * Whatever is wrong with them in a way that waiting does not help is told at the start, by whoever
 * starts, even of those that others work for.
 */
async function findStreams(
  { name, partitions }: NamedSpace,
  adapters: ProcessAdapters,
): Promise<void> {
  for (const logName of logNamesOf(name, partitions)) {
    const found = [adapters.openLog(logName, partitions), adapters.openChanges(logName, partitions)]
    for (const log of await Promise.all(found)) await adapters.letGo(log)
  }
}

async function shareWork(
  { name: space, partitions }: NamedSpace,
  role: string,
  { UNIT_NAME: name }: Environment,
  adapters: ProcessAdapters,
  open: (logName: LogName) => Promise<OpenedPart>,
): Promise<SharedWork> {
  const { clock, random } = adapters
  const messaging = await adapters.messaging()
  const options = { space, partitions, role, name, open }
  return new SharedWork(options, { messaging, clock, random })
}

/** What the components of all logs in a process share. */
interface PartPorts {
  readonly adapters: ProcessAdapters
  readonly stores: StoreAdapters
  readonly telemetry: Telemetry
}

async function openPart(
  { role, create, keepsPast = false }: ComponentProgram,
  logName: LogName,
  { partitions }: NamedSpace,
  { adapters, stores, telemetry }: PartPorts,
  report: Report,
  environment: Environment,
): Promise<OpenedPart> {
  const { log, messaging, clock, random } = await adapters.portsOf(logName, role, partitions)
  const changes = await adapters.openChanges(logName, partitions)
  const past = keepsPast ? await adapters.openPast(logName, partitions) : undefined
  const events = await adapters.openEvents(logName)
  const ports: ComponentPorts = {
    ...{ log, changes, events, messaging, clock, random, telemetry },
    tracing: adapters.tracing,
    past,
    pastBytesMax: streamShare(pastBytes(environment).bytesMax, partitions),
    limits: sharedLimits(adapters.limits, partitions),
    get store() {
      return stores.store
    },
    get image() {
      return stores.image
    },
  }
  const component = create(logName, ports, report, environment)
  return {
    component: new CheckedComponent(component, partitions),
    close: async () => {
      events.close()
      await Promise.all([log, changes, ...(past ? [past] : [])].map((it) => adapters.letGo(it)))
    },
  }
}
