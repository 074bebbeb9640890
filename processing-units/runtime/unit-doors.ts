import { createHttpServer, type HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { announcedUrl } from '@spacegrid/grid/doors/http/http-url'
import { serveAdministration } from '@spacegrid/grid/doors/nats/administration-service'
import { serveSpace, type UnitPlaceTold } from '@spacegrid/grid/doors/nats/space-services'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { eventLoopTimes } from '@spacegrid/grid/drivers/system/event-loop'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { tellLoad } from '@spacegrid/grid/engine/load/load-teller'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Environment } from '@spacegrid/grid/program/environment'
import { explains, httpOptionsOf } from '@spacegrid/grid/program/http-options'
import type { Doors } from '@spacegrid/grid/program/role-program'
import type { Logger } from 'pino'
import { PartitionServices } from './partitions/partition-services.ts'
import { PartitionedUnit } from './partitions/partitioned-unit.ts'
import type { ProcessingUnit } from './processing-unit.ts'
import { serveNewest } from './query-unit/newest-service.ts'
import { serveReactions } from './reactions/react-request.ts'
import { spaceNotices } from './space-notices.ts'

const readyPollMs = 20

/** Of a space with one partition, or with several. */
export type AnyUnit = ProcessingUnit | PartitionedUnit

/** The doors of the units in one process, with one pipeline behind all of them. */
export class UnitDoors implements Doors {
  readonly #units: readonly AnyUnit[]
  readonly #environment: Environment
  readonly #log: Logger
  readonly #pipeline: RequestPipeline
  readonly #http: HttpServer
  readonly #services: Subscription[] = []
  /** Of this process, whatever it is called. */
  readonly #id = new SystemRandom().integer()
  #closing = false

  constructor(
    units: readonly AnyUnit[],
    environment: Environment,
    log: Logger,
    telemetry: Telemetry,
  ) {
    this.#units = units
    this.#environment = environment
    this.#log = log
    this.#pipeline = new RequestPipeline({ telemetry, explains: explains(environment) })
    this.#http = createHttpServer(units, {
      log,
      pipeline: this.#pipeline,
      title: units.map(({ space }) => space.name).join(', '),
      ...httpOptionsOf(environment),
    })
  }

  notReady(): readonly string[] {
    return this.#http.server.listening ? [] : ['the public port is not open']
  }

  async open(messaging: Messaging): Promise<void> {
    const { HOST: host, PORT: port, ADMIN_PORT: adminPort } = this.#environment
    // Units that share the port answer meanwhile: no request may end up here before it can be
    // answered.
    const serve = (unit: AnyUnit) => unit.readiness().ready || unit.staysAndReads
    while (!this.#closing && !this.#units.every(serve))
      await new Promise((wake) => setTimeout(wake, readyPollMs))
    if (this.#closing) return
    // fastify hands the options on to Node, though its type does not know this one.
    const sharedPort = { host, port, reusePort: true }
    await this.#http.listen(sharedPort)
    for (const unit of this.#units) this.#services.push(...(await this.#serve(messaging, unit)))
    const spaces = this.#units.map(({ space }) => space)
    this.#log.info(
      { space: spaces.map(({ name }) => name).join(','), port, adminPort },
      'listening',
    )
    // Trying the patterns takes a moment: not before requests are answered.
    for (const space of spaces)
      for (const notice of spaceNotices(space, this.#undeclaredReadable)) this.#log.warn(notice)
  }

  /** What changes something is asked of units that take commands, and served by no others. */
  async #serve(messaging: Messaging, unit: AnyUnit): Promise<Subscription[]> {
    const takesCommands = this.#environment.ROLE === 'unit'
    const log = this.#log
    const options = { log, pipeline: this.#pipeline, takesCommands, place: this.#place() }
    const services = [await serveSpace(messaging, unit, options), this.#tellLoad(messaging, unit)]
    if (unit instanceof PartitionedUnit)
      services.push(new PartitionServices(messaging, unit, options))
    if (!takesCommands) return services
    services.push(await serveAdministration(messaging, unit, log))
    if (unit instanceof PartitionedUnit)
      return [...services, await serveReactions(messaging, unit, log)]
    services.push(await serveReactions(messaging, unit.reactions, log))
    return [...services, await serveNewest(messaging, unit.space.name, unit, log)]
  }

  #tellLoad(messaging: Messaging, unit: AnyUnit): Subscription {
    const { UNIT_NAME: name, ROLE: role } = this.#environment
    return tellLoad(unit.space.name, messaging, () => ({
      ...{ id: this.#id, name, role: role === 'query' ? unitRoles.queries : unitRoles.commands },
      ...{ ready: unit.readiness().ready, full: unit.isFull },
      ...eventLoopTimes(),
      logs: unit instanceof PartitionedUnit ? unit.loads() : [unit.load()],
    }))
  }

  /** Where others find this process. */
  #place(): UnitPlaceTold {
    const { HOST: host, ADMIN_PORT: adminPort, ROLE, UNIT_NAME: unit } = this.#environment
    const address = this.#http.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const role = ROLE === 'query' ? unitRoles.queries : unitRoles.commands
    // Of a port that the system has chosen only the administration's server knows.
    const admin = adminPort === 0 ? {} : { admin: announcedUrl(host, adminPort) }
    return { unit, role, http: announcedUrl(host, port), ...admin }
  }

  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(this.#services.map((service) => service.stop()))
    await this.#http.close()
  }

  get #undeclaredReadable(): boolean {
    return this.#environment.NODE_ENV !== 'production'
  }
}
