import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import {
  type FastifyError,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify'
import type { Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { keyBytesMax } from '../../core/limits.ts'
import { calledCommands } from '../../core/parts.ts'
import gridPackage from '../../package.json' with { type: 'json' }
import { SpaceQueries } from '../events/space-queries.ts'
import { Streams, type StreamsOptions } from '../events/streams.ts'
import { isRefusal } from '../request/access/access-control.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import { readableCaches } from '../request/readable-caches.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import type { Serving } from '../request/serving.ts'
import { addArchiveRoutes } from './archive-route.ts'
import { BodyCompression } from './body-compression.ts'
import { type BrokenRequestLimits, refuseBrokenRequest } from './broken-request.ts'
import { addCommandRoute } from './command-route.ts'
import { answerOrigins, isPreflight } from './cross-origin.ts'
import { type DiscardLimits, discardDefaults, whenItsTurn } from './discard.ts'
import { addDocumentation } from './documentation.ts'
import { challenge, Entrance } from './entrance.ts'
import { addEntryRoute } from './entry-route.ts'
import { addEventRoute } from './event-route.ts'
import { type Door, traceOfRequest, traceReply } from './exchange.ts'
import {
  answerExpectation,
  checkContentHeaders,
  connectRefused,
  hostFault,
  parserFault,
  problemResponse,
  requestFault,
  sendAllowed,
  sendProblem,
  sendProblemEarly,
} from './failure.ts'
import { addFrontPage } from './front-page.ts'
import { closeGracefully } from './graceful-close.ts'
import { excessOf, type HeadLimits } from './head-limits.ts'
import { addHistoryRoute } from './history-route.ts'
import { explainMissing } from './missing-route.ts'
import { addPages, type Pages } from './pages.ts'
import { problemOf } from './problem.ts'
import { addProjectionRoute } from './projection-route.ts'
import { addBatchRoute, addQueryRoute } from './query-route.ts'
import { limitRate, type RateLimit } from './rate-limit.ts'
import { followTlsFiles, type TlsFiles, tlsOptionsOf } from './tls-files.ts'
import { trustedProxies } from './trusted-proxies.ts'
import { rotationsOf, type UnitRotation, type UnitRotations } from './unit-rotation.ts'

export interface HttpOptions extends Partial<DiscardLimits> {
  /** Limits of the streams of events. */
  readonly streams?: Partial<StreamsOptions>
  /** Told about bugs behind a 500; pino fits. Requests are not logged. */
  readonly log: FaultLog
  /** The way of the requests. Default: one of its own, in which everybody is anonymous. */
  readonly pipeline?: RequestPipeline
  /** HTTPS, with this certificate. Default: plain HTTP. */
  readonly tls?: TlsFiles | undefined
  /** Largest body of a command, bytes. Default 1 MiB. */
  readonly bodyBytesMax?: number
  /** Longest URL, characters; beyond, 414. Default 8,192. */
  readonly urlLengthMax?: number
  /** Headers of a request; beyond, 431. Default 100. */
  readonly headersMax?: number
  /** Connections at a time; beyond, they are closed at once. Default 32,768. */
  readonly connectionsMax?: number
  /** What one caller may ask. Default: as much as it likes. */
  readonly rateLimit?: RateLimit | undefined
  /** Time in which a request must have arrived completely, ms. Default 30,000; 0: no limit. */
  readonly requestTimeoutMs?: number
  /**
   * Time without any byte on a connection after which it is cut, ms: keep it above the longest wait
   * for an answer. Default 120,000; 0: no limit.
   */
  readonly connectionTimeoutMs?: number
  /**
   * Time a connection may wait for its next request, ms. Default 72,000: above what load balancers
   * keep theirs.
   */
  readonly keepAliveTimeoutMs?: number
  /**
   * Time that open requests have to end once the server closes, ms; then they are cut. Default
   * 10,000.
   */
  readonly closeGraceMs?: number
  /**
   * Whether the caches of a space are readable in which no cache says whether it is. Default true,
   * for developing; in production they are not.
   */
  readonly undeclaredReadable?: boolean
  /**
   * Origins whose pages may use it (`https://shop.example`), or `*` alone: those of all. Default:
   * none.
   */
  readonly corsOrigins?: readonly string[]
  /**
   * Proxies whose `X-Forwarded-For` is believed: addresses, networks (`10.0.0.0/8`), `loopback`,
   * `linklocal`, `uniquelocal`. A request came from the last address of it that is none of theirs.
   * Default: none, it came from whoever has the connection.
   */
  readonly trustedProxies?: readonly string[]
  /**
   * Length from which bodies are compressed for callers who accept that, characters. Default 8,192;
   * 0: none is.
   */
  readonly compressionLengthMin?: number
  /** Routes of its own, beside those of the spaces. */
  readonly addRoutes?: (app: FastifyInstance) => void
  /**
   * Pages for people, at `/` and below `/console`. Default: one page, which says what this is and
   * where to go.
   */
  readonly pages?: Pages
  /** Told of every route there is, for whoever looks at all of them. */
  readonly toldRoute?: (route: { readonly method: string; readonly url: string }) => void
  /** Of the OpenAPI document. Default: `Spacegrid` and its version. */
  readonly title?: string
  readonly version?: string
}

/**
 * Listens with `listen({ host, port, reusePort })`; `close()` answers what is in flight and takes
 * no new connection.
 */
export type HttpServer = FastifyInstance

const defaults = {
  bodyBytesMax: 1024 * 1024,
  urlLengthMax: 8192,
  headersMax: 100,
  connectionsMax: 32_768,
  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 120_000,
  keepAliveTimeoutMs: 72_000,
  closeGraceMs: 10_000,
  ...discardDefaults,
  undeclaredReadable: true,
  corsOrigins: [] as readonly string[],
  trustedProxies: [] as readonly string[],
  compressionLengthMin: 8192,
  title: 'Spacegrid',
  version: gridPackage.version,
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => FastifyReply
type Refuse = (reply: FastifyReply, error: GridError, status?: number) => FastifyReply
type Settings = typeof defaults & { readonly log: FaultLog }

/**
 * The public HTTP door of the units in this process, of one space or several; units that come and
 * go while it is open do so in the rotations that it was given. Every route is made
 * from the definitions. The door checks only what the way here could spoil (JSON, headers, text of
 * a URL); inputs are validated by the units, once.
 */
export function createHttpServer(
  units: readonly Serving[] | UnitRotations,
  options: HttpOptions,
): HttpServer {
  const settings: Settings = { ...defaults, ...options }
  const rotations = units instanceof Map ? units : rotationsOf(units as readonly Serving[])
  const { pipeline = new RequestPipeline() } = options
  const { corsOrigins, compressionLengthMin } = settings
  const door: Door = {
    log: settings.log,
    pipeline,
    streams: new Streams(options.streams, pipeline.access),
    closing: false,
    compression: compressionLengthMin === 0 ? undefined : new BodyCompression(compressionLengthMin),
    crossOrigin: corsOrigins.length > 0,
  }
  const refuse: Refuse = (reply, error, status = error.status) => {
    const { raw } = reply.request
    traceReply(reply)
    challenge(reply, error)
    if (raw.complete !== false || raw.destroyed) return sendProblem(reply, error, status)
    return sendProblemEarly(reply, error, status, { ...settings, closing: door.closing })
  }
  const { undeclaredReadable } = settings
  const readable = (space: Space) => [...readableCaches(space, undeclaredReadable).keys()]
  const missing: Answer = (request, reply) => {
    return sendMissing(request, reply, refuse, settings, rotations, readable)
  }
  const app = fastify({
    ...serverOptions(settings, options.tls),
    frameworkErrors: (_error, request, reply) => {
      missing(request as FastifyRequest, reply as unknown as FastifyReply)
    },
  })
  // Node lets headers take a minute, and swaps the two limits when the one for whole requests is
  // the shorter.
  app.server.headersTimeout = settings.requestTimeoutMs
  // Counted here, and not cut off silently.
  app.server.maxHeadersCount = 0
  app.server.maxConnections = settings.connectionsMax
  app.decorateRequest('trace', undefined)
  const { toldRoute } = options
  if (toldRoute)
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) toldRoute({ method: one, url })
    })
  refuseBadBeginnings(app, settings)
  app.decorateRequest('isBlind', pipeline.access !== undefined)
  lookAtBeginnings(app, door, missing, refuse, settings)
  if (options.rateLimit) limitRate(app, options.rateLimit)
  if (options.tls) renewCertificates(app, options.tls, settings.log)
  takeJson(app)
  if (door.crossOrigin) answerOrigins(app, corsOrigins)
  answerFailures(app, rotations, settings, refuse, missing)
  closeGracefully(app, door, settings.closeGraceMs)
  const spaces = [...rotations.values()].map(({ space }) => space)
  addDocumentation(app, door, spaces, settings)
  if (options.pages) addPages(app, options.pages)
  else
    app.register(async (routes) =>
      pipeline.access
        ? addFrontPage(routes, undefined, defaults)
        : addFrontPage(routes, spaces, settings),
    )
  app.register(async (routes) => {
    for (const rotation of rotations.values())
      addSpaceRoutes(routes, door, rotation, settings.undeclaredReadable)
  })
  const { addRoutes } = options
  if (addRoutes) app.register(async (routes) => addRoutes(routes))
  return app
}

function addSpaceRoutes(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  undeclaredReadable: boolean,
): void {
  const { queries, caches } = rotation.space
  for (const command of calledCommands(rotation.space))
    addCommandRoute(app, door, rotation, command)
  const unit = () => rotation.next()
  const live = new SpaceQueries({
    ...{ streams: door.streams, unit, problem: problemOf },
    telemetry: door.pipeline.streamTelemetry(rotation.space.name),
  })
  for (const query of queries.values()) {
    addQueryRoute(app, door, rotation, query, live)
    addProjectionRoute(app, door, rotation, query, live)
  }
  if (queries.size > 0) addBatchRoute(app, door, rotation)
  const readable = readableCaches(rotation.space, undeclaredReadable)
  for (const cache of caches) {
    const fields = readable.get(cache.name)
    if (!fields) continue
    addEntryRoute(app, door, rotation, cache, fields)
    addHistoryRoute(app, door, rotation, cache, fields)
    addArchiveRoutes(app, door, rotation, cache, fields)
  }
  addEventRoute(app, door, rotation, readable, undeclaredReadable)
}

function renewCertificates(app: FastifyInstance, files: TlsFiles, log: FaultLog): void {
  let end = () => {}
  app.addHook('onListen', async () => {
    // It is one of HTTPS then.
    end = followTlsFiles(app.server as unknown as TlsServer, files, log)
  })
  app.addHook('onClose', async () => end())
}

function serverOptions(settings: Settings, tls?: TlsFiles): FastifyHttpOptions<Server> {
  const http = {
    connectionsCheckingInterval: 500,
    joinDuplicateHeaders: true,
    // Node would end the connection with that answer, and so take theirs from the requests behind
    // it.
    requireHostHeader: false,
  }
  return {
    // Fastify's own logging costs listeners on every request.
    logger: false,
    bodyLimit: settings.bodyBytesMax,
    trustProxy: trustedProxies(settings.trustedProxies) ?? false,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: settings.connectionTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    // What still arrives on open connections while closing is answered like what is in flight.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Node looks for late requests this often; its default would let them live up to 30 s longer.
    // Joined, a header that came twice can be told from one that came once: node would keep the
    // first of some.
    http,
    // A server of HTTPS takes all of them among its own, which the types of this one do not name.
    ...(tls ? ({ https: { ...http, ...tlsOptionsOf(tls) } } as object) : {}),
    routerOptions: {
      // Measured behind the decoding of percent signs, in UTF-16 code units: never more than the
      // key's bytes.
      maxParamLength: keyBytesMax,
      // Queries know their parameters' types and read the text themselves.
      querystringParser: (text) => ({ text }),
    },
    clientErrorHandler: (fault, socket) => {
      if (fault.code === 'ECONNRESET' || !socket.writable) return
      refuseBrokenRequest(
        socket,
        problemResponse(...parserFault(fault.code)),
        brokenLimits(settings),
      )
    },
  }
}

const brokenLimits = (settings: Settings): BrokenRequestLimits => ({
  ...settings,
  answerMs: settings.connectionTimeoutMs,
})

/** Before any of a body is read. One hook: each costs every request something. */
function lookAtBeginnings(
  app: FastifyInstance,
  door: Door,
  missing: Answer,
  refuse: Refuse,
  limits: HeadLimits,
): void {
  const { access } = door.pipeline
  const entrance = access && new Entrance(access)
  app.addHook('onRequest', (request, reply, done) => {
    const excess = excessOf(request.raw, limits)
    if (excess) {
      refuse(reply, ...excess)
      return
    }
    const fault = hostFault(request.raw)
    const isAsked = request.method === 'OPTIONS'
    // It asks for nothing, and browsers send it without saying who asks.
    const isPreflighted = isAsked && door.crossOrigin && isPreflight(request)
    const go = () => (isAsked && !isPreflighted ? void missing(request, reply) : done())
    if (fault) done(fault)
    else if (!entrance || isPreflighted) go()
    else entrance.enter(request, go, done)
  })
}

/** What node would answer by itself, or end the connection for, whatever is in flight on it. */
function refuseBadBeginnings(app: FastifyInstance, settings: Settings): void {
  const { server } = app
  server.on('checkExpectation', (request, response) => {
    answerExpectation(request, response, settings)
  })
  server.on('checkContinue', (request, response) => {
    // Node, who does not declare it, would end the connection with an answer to a body that it has
    // not asked for: here that is read.
    Object.assign(response, { _expect_continue: false })
    // A body that will be refused is not asked for. And node would write the words between an
    // earlier answer's head and body.
    if (!(Number(request.headers['content-length']) > settings.bodyBytesMax))
      whenItsTurn(response, () => {
        if (!response.headersSent) response.writeContinue()
      })
    server.emit('request', request, response)
  })
  server.on('connect', (_request, socket) => {
    refuseBrokenRequest(
      socket as Socket,
      problemResponse(...connectRefused),
      brokenLimits(settings),
    )
  })
  // Who has sent all there is to send still waits for the answers. Node has it, and does not
  // declare it.
  Object.assign(server, { httpAllowHalfOpen: true })
}

/**
 * Bodies reach the routes as bytes: parsing is theirs, and a parser that throws would cost the
 * caller's connection.
 */
function takeJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done) => {
      checkContentHeaders(request)
      done(null, body)
    },
  )
  // Schemas are here for the documentation; the units validate.
  app.setValidatorCompiler(() => () => true)
}

function answerFailures(
  app: FastifyInstance,
  rotations: ReadonlyMap<string, UnitRotation>,
  { bodyBytesMax, log }: Settings,
  refuse: Refuse,
  missing: Answer,
): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // A body that cannot be read must not hide that the route is wrong.
    if (request.is404) return missing(request, reply)
    const fault = requestFault(error, request, bodyBytesMax)
    // Refused before the route chose a unit: any unit's position serves.
    if (!(reply.hasHeader('grid-position') || isRefusal(fault ?? error))) {
      const space = request.routeOptions.url?.split('/', 2)[1] ?? ''
      const unit = rotations.get(space)?.next()
      if (unit) reply.header('grid-position', unit.position)
    }
    return refuse(reply, fault ?? publicError(error, log, traceOfRequest(request)))
  })
  app.setNotFoundHandler(missing)
}

function sendMissing(
  request: FastifyRequest,
  reply: FastifyReply,
  refuse: Refuse,
  limits: DiscardLimits,
  rotations: ReadonlyMap<string, UnitRotation>,
  readable: (space: Space) => readonly string[],
): FastifyReply {
  const spaces = new Map([...rotations].map(([name, { space }]) => [name, space]))
  const [path] = (request.raw.url ?? '/').split(/[?#]/, 1) as [string]
  if (request.isBlind) return refuse(reply, new GridError('unknown_route', 'No such route'))
  const { error, status, allow, space } = explainMissing(path, spaces, readable)
  const unit = space === undefined ? undefined : rotations.get(space)?.next()
  if (unit) reply.header('grid-position', unit.position)
  if (allow !== undefined) reply.header('allow', allow)
  if (allow !== undefined && request.method === 'OPTIONS') {
    traceReply(reply)
    return sendAllowed(reply, limits)
  }
  return refuse(reply, error, status)
}
