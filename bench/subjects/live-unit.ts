import type { AddressInfo } from 'node:net'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { nowSinceBoot } from '../processes/now-since-boot.ts'
import type { Subject } from '../processes/subject.ts'

export interface LiveUnitOptions {
  /** Left out: a log in memory, which commits at once. */
  readonly natsUrl?: string
  readonly space: string
  readonly number: number
}

const lines = defineCache('lines', {
  schema: Type.Object({ line: Type.String(), at: Type.String() }),
  key: 'line',
  indexes: { byLine: ['line'] },
  readable: true,
})

const tell = defineCommand('tell', {
  input: Type.Object({ line: Type.String(), at: Type.String() }),
  handler: (tx, { line, at }) => {
    tx.put(lines, { line, at })
    tx.emit('Told', { line, at })
  },
})

const board = defineQuery('board', {
  input: Type.Object({}),
  handler: (read) => read.range(lines, 'byLine').map(({ line, at }) => ({ line, at })),
})

const lineCount = 100
const gc = globalThis.gc

/** A unit whose events and entries say when they were called for; readers come to its HTTP door. */
export async function open({ natsUrl, space, number }: LiveUnitOptions): Promise<Subject> {
  const definition = defineSpace(space, {
    caches: [lines],
    commands: [tell],
    queries: [board],
    readableEvents: true,
  })
  const clock = new SystemClock()
  const name = `unit-${number}`
  const log = natsUrl
    ? await JetStreamLog.open(natsUrl, { stream: streams.log(space), subject: subjects.log(space) })
    : new SimulatedLog(clock)
  const messaging = natsUrl
    ? await NatsMessaging.open(natsUrl, { name })
    : new InProcessMessaging(clock)
  const ports = { log, messaging, clock, random: new SystemRandom() }
  const unit = new ProcessingUnit(name, definition, ports, { sources: ['log'] })
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  const http = createHttpServer([unit], {
    log: { error: (told: object) => process.stderr.write(`${JSON.stringify(told)}\n`) },
    streams: { streamsMax: 1_000_000 },
  })
  await http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
  const say = (turn: number) =>
    unit.execute('tell', { line: `line ${turn % lineCount}`, at: `at-${nowSinceBoot()}` })
  return {
    operations: { tell: say },
    requests: {
      port: () => (http.server.address() as AddressInfo).port,
      fill: async () => {
        for (let turn = 0; turn < lineCount; turn++) await say(turn)
      },
      memory: () => {
        gc?.()
        return process.memoryUsage().rss
      },
      cpuMs: () => {
        const { user, system } = process.cpuUsage()
        return (user + system) / 1000
      },
      live: () => unit.status().live,
    },
    close: async () => {
      await http.close()
      await unit.stop()
      await messaging.close()
      await log.close()
    },
  }
}
