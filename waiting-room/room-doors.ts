import { createHttpServer, type HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { addLineRoutes } from '@spacegrid/grid/doors/http/line-routes'
import { serveAdministration } from '@spacegrid/grid/doors/nats/administration-service'
import { serveLines } from '@spacegrid/grid/doors/nats/line-services'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import { accessOf } from '@spacegrid/grid/program/access-of'
import type { Environment } from '@spacegrid/grid/program/environment'
import { httpOptionsOf } from '@spacegrid/grid/program/http-options'
import type { Doors } from '@spacegrid/grid/program/role-program'
import type { Logger } from 'pino'
import { createRoom } from './create-room.ts'
import type { RoomUnit } from './room-unit.ts'
import type { WaitingRoom } from './waiting-room.ts'

const readyPollMs = 20

/** The doors of a waiting room as a process of its own. */
export class RoomDoors implements Doors {
  readonly #unit: RoomUnit
  readonly #room: WaitingRoom
  readonly #environment: Environment
  readonly #log: Logger
  readonly #pipeline: RequestPipeline
  readonly #http: HttpServer
  readonly #services: Subscription[] = []
  #isClosing = false

  constructor(unit: RoomUnit, environment: Environment, log: Logger, telemetry: Telemetry) {
    this.#unit = unit
    this.#environment = environment
    this.#log = log
    this.#room = createRoom(unit, environment, log)
    unit.room = this.#room
    const access = accessOf([unit.space], environment, log, telemetry)
    this.#pipeline = new RequestPipeline({ access })
    this.#http = createHttpServer([], {
      log,
      pipeline: this.#pipeline,
      ...httpOptionsOf(environment),
      addRoutes: (app) => addLineRoutes(app, this.#room),
    })
  }

  notReady(): readonly string[] {
    return this.#http.server.listening ? [] : ['the public port is not open']
  }

  async open(messaging: Messaging): Promise<void> {
    const { HOST: host, PORT: port, ADMIN_PORT: adminPort } = this.#environment
    this.#room.start()
    const serves = () => this.#unit.readiness().ready && this.#room.isOpen
    while (!this.#isClosing && !serves()) await new Promise((wake) => setTimeout(wake, readyPollMs))
    if (this.#isClosing) return
    const sharedPort = { host, port, reusePort: true }
    await this.#http.listen(sharedPort)
    this.#services.push(
      await serveLines(messaging, this.#room, this.#log),
      await serveAdministration(messaging, this.#unit, this.#log, this.#pipeline.access),
    )
    this.#log.info({ lines: this.#room.options.lines.join(','), port, adminPort }, 'listening')
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#services.map((service) => service.stop()))
    await this.#http.close()
    await this.#room.stop()
  }
}
