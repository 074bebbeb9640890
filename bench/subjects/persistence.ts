import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { decodeWindow } from '@spacegrid/grid/engine/wire/window-codec'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import type { Subject } from '../processes/subject.ts'
import { TurnWatch } from '../processes/turn-watch.ts'

export interface PersistenceOptions {
  readonly natsUrl: string
  readonly mongodbUrl: string
  /** Not given: no warm image. */
  readonly redisUrl?: string
  readonly database: string
  readonly space: string
}

export type Part = 'pump' | 'writer' | 'reader'

/** Pump, writer and reader of one space, each started and stopped when it is asked for. */
export async function open(options: PersistenceOptions): Promise<Subject> {
  const { natsUrl, mongodbUrl, redisUrl, database, space } = options
  const clock = new SystemClock()
  const openLog = (stream: string, subject: string) =>
    JetStreamLog.open(natsUrl, { stream, subject, name: `bench ${stream}` })
  const [log, changes, messaging] = await Promise.all([
    openLog(streams.log(space), subjects.log(space)),
    openLog(streams.changes(space), subjects.changes(space)),
    NatsMessaging.open(natsUrl, { name: 'bench persistence' }),
  ])
  const store = new MongoStore(mongodbUrl, clock, { database })
  const image = redisUrl === undefined ? undefined : new RedisImage(redisUrl, clock)
  const withImage = image ? { image } : {}
  const ports = { log, changes, store, messaging, clock, random: new SystemRandom() }
  const create: Readonly<Record<Part, () => Component>> = {
    pump: () => new DataPump(space, { ...ports, ...withImage }),
    writer: () => new DataWriter(space, ports),
    reader: () => new DataReader(space, { ...ports, ...withImage }),
  }
  const running = new Map<Part, Component>()
  const stop = async (part: Part) => {
    await running.get(part)?.stop()
    running.delete(part)
  }
  const turns = new TurnWatch()
  return {
    operations: {},
    requests: {
      watchTurns: () => turns.start(),
      longestTurn: () => turns.longest(),
      start: async (part: Part) => {
        const component = create[part]()
        running.set(part, component)
        component.start()
        while (!component.readiness().ready) await pause()
      },
      stop,
      /** Resolves with how long it took, ms, once the part is at the position. */
      reach: async (part: Part, position: number) => {
        const from = performance.now()
        while (positionOf(part, running.get(part)?.status()) < position) await pause()
        return performance.now() - from
      },
      imageReaches: async (position: number) => {
        const at = () => (running.get('pump') as DataPump).status().imagePosition
        while (at() < position) await pause()
      },
      publishedChanges: () => publishedChanges(changes),
    },
    close: async () => {
      for (const part of running.keys()) await stop(part)
      await store.close()
      await image?.close()
      await messaging.close()
      await log.close()
      await changes.close()
    },
  }
}

function positionOf(part: Part, status: ComponentStatus | undefined): number {
  if (!status) throw new Error(`The ${part} has not been started`)
  return part === 'pump'
    ? ((status as { published?: number }).published ?? 0)
    : (status.position ?? 0)
}

/** Changes in all windows of the queue, each the last outcome of a key in its window. */
async function publishedChanges(queue: Log): Promise<number> {
  const { first, last } = await queue.bounds()
  const assembler = new WindowAssembler()
  let count = 0
  for (let position = first; position <= last; position++) {
    const record = await queue.read(position)
    const window = record && assembler.add(position, record.data)
    if (window) count += (await decodeWindow(window.parts, () => undefined)).changes.length
  }
  return count
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 1))
