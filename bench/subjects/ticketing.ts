import type { AddressInfo } from 'node:net'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { createTicketing } from '@spacegrid/ticketing/space'
import type { Space } from 'spacegrid'
import { EmbeddedGrid } from 'spacegrid/embedded/embedded-grid'
import type { Subject } from '../processes/subject.ts'
import { TurnWatch } from '../processes/turn-watch.ts'

export interface TicketingOptions {
  /** Of the embedded grid: everything in this process. */
  readonly dataDirectory?: string
  /** Otherwise one unit, with a log of JetStream. */
  readonly natsUrl?: string
  readonly name: string
}

interface Running {
  readonly units: readonly ProcessingUnit[]
  stop(): Promise<void>
}

/** The ticketing application with its HTTP door, as `npm start` or a unit of a cluster runs it. */
export async function open(options: TicketingOptions): Promise<Subject> {
  const space = createTicketing()
  const running = await start(space, options)
  const { units } = running
  const isReady = () => units.every((unit) => unit.readiness().ready)
  while (!isReady()) await new Promise((wake) => setTimeout(wake, 5))
  const log = { error: (_details: object, message: string) => process.stderr.write(`${message}\n`) }
  const http = createHttpServer(units, { log })
  await http.listen({ host: '127.0.0.1', port: 0 })
  const turns = new TurnWatch()
  return {
    operations: {},
    requests: {
      port: () => (http.server.address() as AddressInfo).port,
      position: () => Math.min(...units.map(({ position }) => position)),
      watchTurns: () => turns.start(),
      longestTurn: () => turns.longest(),
    },
    close: async () => {
      await http.close()
      await running.stop()
    },
  }
}

async function start(space: Space, options: TicketingOptions): Promise<Running> {
  const { dataDirectory, natsUrl, name } = options
  if (dataDirectory !== undefined) {
    const grid = new EmbeddedGrid([space], { dataDirectory })
    grid.start()
    return grid
  }
  if (natsUrl === undefined) throw new Error('Ticketing needs a directory or a NATS server')
  const [log, messaging] = await Promise.all([
    JetStreamLog.open(natsUrl, {
      stream: streams.log(space.name),
      subject: subjects.log(space.name),
    }),
    NatsMessaging.open(natsUrl, { name }),
  ])
  const ports = { log, messaging, clock: new SystemClock(), random: new SystemRandom() }
  const unit = new ProcessingUnit(name, space, ports, { sources: ['log'] })
  unit.start()
  return {
    units: [unit],
    stop: async () => {
      await unit.stop()
      await messaging.close()
      await log.close()
    },
  }
}
