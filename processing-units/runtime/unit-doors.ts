import { createHttpServer, type HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { announcedUrl } from '@spacegrid/grid/doors/http/http-url'
import { serveAdministration } from '@spacegrid/grid/doors/nats/administration-service'
import { serveSpace, type UnitPlaceTold } from '@spacegrid/grid/doors/nats/space-services'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { eventLoopTimes } from '@spacegrid/grid/drivers/system/event-loop'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { tellLoad } from '@spacegrid/grid/engine/load/load-teller'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'
import { accessOf } from '@spacegrid/grid/program/access-of'
import type { Environment } from '@spacegrid/grid/program/environment'
import { explains, httpOptionsOf, tlsOf } from '@spacegrid/grid/program/http-options'
import { requestLogOf } from '@spacegrid/grid/program/request-log'
import type { Doors } from '@spacegrid/grid/program/role-program'
import { type GuardedSpaces, guardOf } from '@spacegrid/grid/program/waiting-room-keys'
import type { Logger } from 'pino'
import { serveLook } from './look.ts'
import { PartitionServices } from './partitions/partition-services.ts'
import { PartitionedUnit } from './partitions/partitioned-unit.ts'
import type { ProcessingUnit } from './processing-unit.ts'
import { serveNewest } from './query-unit/newest-service.ts'
import { serveReactions } from './reactions/react-request.ts'
import { spaceNotices } from './space-notices.ts'
import type { SpareCall } from './spare-call.ts'
import { unitRoleOf } from './unit-role.ts'

const readyPollMs = 20

/** Of a space with one partition, or with several. */
export type AnyUnit = ProcessingUnit | PartitionedUnit

/** What is told of requests. */
export interface Watched {
  readonly telemetry: Telemetry
  /** undefined: nobody traces them. */
  readonly tracing: Tracing | undefined
}

/** The doors of the units in one process, with one pipeline behind all of them. */
export class UnitDoors implements Doors {
  readonly #units: readonly AnyUnit[]
  readonly #environment: Environment
  readonly #log: Logger
  readonly #pipeline: RequestPipeline
  readonly #http: HttpServer
  readonly #spare: SpareCall | undefined
  readonly #services: Subscription[] = []
  /** undefined: nothing here is behind a waiting room. */
  readonly #guarded: GuardedSpaces | undefined
  /** Of this process, whatever it is called. */
  readonly #id = new SystemRandom().integer()
  #closing = false

  /** @param spare of a unit that waits to be called up */
  constructor(
    units: readonly AnyUnit[],
    environment: Environment,
    log: Logger,
    { telemetry, tracing }: Watched,
    spare?: SpareCall,
  ) {
    this.#spare = spare
    this.#units = units
    this.#environment = environment
    this.#log = log
    const spaces = units.map(({ space }) => space)
    this.#guarded = guardOf(spaces, environment)
    this.#pipeline = new RequestPipeline({
      ...{ telemetry, tracing, requestLog: requestLogOf(log), explains: explains(environment) },
      access: accessOf(spaces, environment, log, telemetry),
      waitingRoom: this.#guarded?.guard,
    })
    this.#http = createHttpServer(units, {
      log,
      pipeline: this.#pipeline,
      title: spaces.map(({ name }) => name).join(', '),
      ...httpOptionsOf(environment),
    })
  }

  notReady(): readonly string[] {
    if (this.#spare?.isCalled === false) return ['it stands by as a spare']
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
    if (this.#spare) await this.#waitForCall(this.#spare)
    // fastify hands the options on to Node, though its type does not know this one.
    const sharedPort = { host, port, reusePort: true }
    await this.#http.listen(sharedPort)
    for (const unit of this.#units) this.#services.push(...(await this.#serve(messaging, unit)))
    if (this.#guarded) this.#services.push(this.#guarded.reports.tell(messaging, new SystemClock()))
    const spaces = this.#units.map(({ space }) => space)
    this.#log.info(
      { space: spaces.map(({ name }) => name).join(','), port, adminPort },
      'listening',
    )
    // Trying the patterns takes a moment: not before requests are answered.
    for (const space of spaces)
      for (const notice of spaceNotices(space, this.#undeclaredReadable)) this.#log.warn(notice)
  }

  /** What it holds is kept up meanwhile. */
  async #waitForCall(spare: SpareCall): Promise<void> {
    spare.tellReady()
    await spare.called
    for (const unit of this.#units) if (unit instanceof PartitionedUnit) unit.callUp()
  }

  /** What changes something is asked of units that take commands, and served by no others. */
  async #serve(messaging: Messaging, unit: AnyUnit): Promise<Subscription[]> {
    const takesCommands = this.#environment.ROLE !== 'query'
    const log = this.#log
    const options = { log, pipeline: this.#pipeline, takesCommands, place: this.#place() }
    const services = [
      await serveSpace(messaging, unit, options),
      await serveLook(messaging, unit, log, this.#pipeline.access),
      this.#tellLoad(messaging, unit),
    ]
    if (unit instanceof PartitionedUnit)
      services.push(new PartitionServices(messaging, unit, options))
    if (!takesCommands) return services
    services.push(await serveAdministration(messaging, unit, log, this.#pipeline.access))
    if (unit instanceof PartitionedUnit)
      return [...services, await serveReactions(messaging, unit, log)]
    services.push(await serveReactions(messaging, unit.reactions, log))
    return [...services, await serveNewest(messaging, unit.space.name, unit, log)]
  }

  #tellLoad(messaging: Messaging, unit: AnyUnit): Subscription {
    const { UNIT_NAME: name } = this.#environment
    const role = unitRoleOf(this.#environment)
    return tellLoad(unit.space.name, messaging, () => ({
      ...{ id: this.#id, name, role },
      ...{ ready: unit.readiness().ready, full: unit.isFull },
      ...eventLoopTimes(),
      logs: unit instanceof PartitionedUnit ? unit.loads() : [unit.load()],
    }))
  }

  /** Where others find this process. */
  #place(): UnitPlaceTold {
    const { HOST: host, ADMIN_PORT: adminPort, UNIT_NAME: unit } = this.#environment
    const address = this.#http.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const role = unitRoleOf(this.#environment)
    // Of a port that the system has chosen only the administration's server knows.
    const admin = adminPort === 0 ? {} : { admin: announcedUrl(host, adminPort) }
    return {
      unit,
      role,
      http: announcedUrl(host, port, tlsOf(this.#environment) !== undefined),
      ...admin,
    }
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
