import type { IncomingMessage, ServerResponse } from 'node:http'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { publicError } from '@spacegrid/grid/doors/request/public-error'
import { Access, type Refusal } from './access.ts'
import type { ConsoleOptions } from './console-options.ts'
import { type SpikeSize, spikeSizes, type UnitAction } from './control.ts'
import { GridDoor } from './grid-door.ts'
import { GridWatch } from './grid-watch.ts'
import { pageFile } from './page-files.ts'
import { stoppedView } from './process-view.ts'
import type { Snapshot } from './snapshot.ts'
import { Viewers } from './viewers.ts'

const bodyBytesMax = 16 * 1024
const entriesMax = 100
const offsetMax = 200_000
const unitActions: ReadonlySet<string> = new Set<UnitAction>(['stop', 'kill', 'start'])

/** No script but the console's own, nothing from elsewhere, in nobody's frame. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/**
 * The console: a page that shows the grid living, and what it asks for. It stands on anything that
 * can hand it HTTP requests: the public door of an embedded grid, or a server of its own. What it
 * shows it gathers while somebody looks, once a second at most, and encodes it once for all who do.
 */
export class Console {
  readonly #options: ConsoleOptions
  readonly #access: Access
  readonly #watch: GridWatch
  readonly #viewers = new Viewers()
  readonly #door: GridDoor | undefined
  #unfollow: (() => void) | undefined

  constructor(options: ConsoleOptions) {
    this.#options = options
    this.#access = new Access(options.access)
    this.#watch = new GridWatch(options.source, options.clock, (error) =>
      options.log.error({ err: error }, 'the grid could not be looked at'),
    )
    this.#door = options.gridUrl && new GridDoor(options.gridUrl, options.gridHeaders)
  }

  /** Who may use it: `open` to this machine, with a `token`, or `closed`. */
  get mode(): Access['mode'] {
    return this.#access.mode
  }

  /** Answers everything by itself. */
  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    this.#answer(request, response).catch((error) => this.#failed(response, error))
  }

  /** Its viewers are told to come back. */
  close(): void {
    this.#unfollow?.()
    this.#viewers.end()
    this.#door?.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://console')
    const path =
      pathname === '/' || pathname === '/console' ? '' : pathname.slice('/console/'.length)
    if (path === 'session' && request.method === 'POST')
      return await this.#signIn(request, response)
    if (isPublic(path)) return await this.#file(response, path)
    const refusal = this.#access.refuses(request)
    if (refusal) return await this.#refuse(request, response, path, refusal)
    if (path.startsWith('grid/')) return this.#pass(request, response, `${path.slice(4)}${search}`)
    if (request.method === 'POST') return await this.#act(request, response, path)
    if (path === '') return await this.#file(response, 'index.html')
    if (path === 'live') return this.#live(response)
    if (path === 'entries') return json(response, 200, await this.#look(searchParams))
    await this.#file(response, path)
  }

  async #file(response: ServerResponse, path: string, status = 200): Promise<void> {
    const file = await pageFile(path)
    if (!file) return text(response, 404, 'There is no such page')
    response.writeHead(status, { ...pageHeaders, 'content-type': file.type }).end(file.text)
  }

  async #refuse(
    { method }: IncomingMessage,
    response: ServerResponse,
    path: string,
    { status, text: why }: NonNullable<Refusal>,
  ): Promise<void> {
    if (path === '' && method === 'GET' && status === 401)
      return await this.#file(response, 'sign-in.html', 401)
    text(response, status, why)
  }

  /** A form of the page that asks for the token: it works without any script. */
  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = new URLSearchParams(await bodyOf(request)).get('token') ?? ''
    const session = this.#access.signIn(sent)
    if (session === 'later') return text(response, 429, 'Too many wrong tokens: wait for a minute')
    if (session === 'wrong') return await this.#file(response, 'sign-in.html', 401)
    response.writeHead(303, { location: '/', 'set-cookie': session.cookie }).end()
  }

  #pass(request: IncomingMessage, response: ServerResponse, path: string) {
    if (!this.#door) return text(response, 404, 'The grid is at / here')
    const changes = request.method !== 'GET' && request.method !== 'HEAD'
    const refusal = changes ? this.#access.refusesChange(request) : undefined
    if (refusal) return text(response, refusal.status, refusal.text)
    this.#door.pass(request, response, path)
  }

  #live(response: ServerResponse) {
    if (this.#viewers.isFull) {
      response.setHeader('retry-after', '5')
      return text(response, 503, 'As many look already as may')
    }
    this.#viewers.add(response, () => {
      if (this.#viewers.count > 0) return
      this.#unfollow?.()
      this.#unfollow = undefined
    })
    this.#viewers.tell(response, 'hello', this.#hello())
    const { last } = this.#watch
    if (last) this.#viewers.tell(response, 'snapshot', this.#withControl(last))
    this.#unfollow ??= this.#watch.follow((snapshot) =>
      this.#viewers.tellAll('snapshot', this.#withControl(snapshot)),
    )
  }

  #hello() {
    const { kind, driver, spike, gridUrl } = this.#options
    return {
      kind,
      mode: this.#access.mode,
      pageToken: this.#access.pageToken,
      /** Where the client finds the grid. */
      grid: gridUrl ? '/console/grid' : '',
      gridUrl: gridUrl?.origin ?? null,
      driver: driver?.about ?? null,
      spikes: spike?.sizes ?? null,
      points: this.#watch.points,
    }
  }

  #withControl(snapshot: Snapshot) {
    const { driver, spike } = this.#options
    const units = driver?.units() ?? {}
    const there = new Set(snapshot.processes.map(({ name }) => name))
    const stopped = Object.keys(units).filter((name) => !there.has(name))
    return {
      ...snapshot,
      processes: [...snapshot.processes, ...stopped.map(stoppedView)],
      control: { add: driver?.add ?? null, units },
      spike: spike?.status() ?? null,
    }
  }

  async #act(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const refusal = this.#access.refusesChange(request)
    if (refusal) return text(response, refusal.status, refusal.text)
    if (path !== 'actions') return text(response, 404, 'There is nothing to be done')
    const { action, unit, size } = asked(await bodyOf(request))
    const { driver, spike } = this.#options
    if (action === 'spike' && spike && isSize(size)) spike.start(size)
    else if (action === 'end-spike' && spike) spike.stop()
    else if (action === 'add' && driver)
      return json(response, 200, { unit: await driver.addUnit() })
    else if (driver && typeof unit === 'string' && isUnitAction(action))
      await driver.act(unit, action)
    else return text(response, 400, 'That cannot be done here')
    json(response, 200, {})
  }

  async #look(parameters: URLSearchParams): Promise<unknown> {
    const number = (name: string, fallback: number, most: number) => {
      const value = parameters.get(name)
      if (value === null) return fallback
      if (/^\d{1,9}$/.test(value) && Number(value) <= most) return Number(value)
      throw new GridError('invalid_input', `${name} is a whole number up to ${most}`)
    }
    return await this.#options.looking.look({
      space: parameters.get('space') ?? '',
      cache: parameters.get('cache') ?? undefined,
      offset: number('offset', 0, offsetMax),
      limit: number('limit', 25, entriesMax),
      ...(parameters.has('newest') ? { newest: true } : {}),
    })
  }

  #failed(response: ServerResponse, error: unknown): void {
    const told = isGridError(error) ? error : publicError(error, this.#options.log)
    if (response.headersSent) response.destroy()
    else text(response, told.status, told.message)
  }
}

/** What whoever signs in needs, and says nothing of the grid. */
const isPublic = (path: string): boolean =>
  path === 'console.css' || path === 'icon.svg' || path === 'theme.js'

const isSize = (size: unknown): size is SpikeSize => spikeSizes.includes(size as SpikeSize)
const isUnitAction = (action: unknown): action is UnitAction => unitActions.has(String(action))

function asked(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>
  } catch {
    throw new GridError('invalid_input', 'The body is no JSON')
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax)
      throw new GridError('body_too_large', `At most ${bodyBytesMax} bytes are taken here`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { ...pageHeaders, 'content-type': 'application/json' })
    .end(JSON.stringify(value))
}

function text(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { ...pageHeaders, 'content-type': 'text/plain; charset=utf-8' })
    .end(`${message}\n`)
}
