import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { KnownSecret } from '@spacegrid/grid/doors/request/known-secret'
import { isLoopbackHost } from '@spacegrid/grid/program/loopback'

/** Sessions that are remembered; beyond, the oldest is forgotten and has to sign in again. */
const sessionsMax = 100
/** Wrong tokens that are heard out in a minute. */
const attemptsMax = 10
const attemptsMs = 60_000
const cookieName = 'spacegrid_console'

export interface AccessOptions {
  /** Whoever has it may see and do all. undefined: see `Access`. */
  readonly token: string | undefined
  /** Address that the console listens on. */
  readonly host: string
}

export type Refusal = { readonly status: number; readonly text: string } | undefined

/**
 * Who may look, and act. With a token: who has it, as a cookie that its page is given for it, or as
 * `Authorization: Bearer`. Without one the console is open to whoever works on this machine, and
 * only where it listens on a loopback address; elsewhere it is closed.
 *
 * What changes something is taken from the console's own pages alone: the browser says where a
 * request comes from (`Origin`), and the page repeats a token that no other site can read. An open
 * console is asked by a loopback name only, so that no name of somebody else's that leads here
 * (DNS rebinding) makes a page of theirs one of ours.
 */
export class Access {
  readonly mode: 'open' | 'token' | 'closed'
  /** The page repeats it with everything that changes something. */
  readonly pageToken = randomBytes(18).toString('base64url')
  readonly #page = new KnownSecret(this.pageToken)
  readonly #token: KnownSecret | undefined
  readonly #sessions = new Set<string>()
  #attempts: number[] = []

  constructor({ token, host }: AccessOptions) {
    this.mode = token !== undefined ? 'token' : isLoopbackHost(host) ? 'open' : 'closed'
    this.#token = token === undefined ? undefined : new KnownSecret(token)
  }

  /** undefined: welcome. */
  refuses(request: IncomingMessage): Refusal {
    if (this.mode === 'closed') return { status: 403, text: closedText }
    if (this.mode === 'open')
      return isLoopbackHost(hostNameOf(request))
        ? undefined
        : {
            status: 403,
            text: 'An open console answers under localhost or 127.0.0.1 only: set CONSOLE_TOKEN to use another name',
          }
    return this.#isKnown(request) ? undefined : { status: 401, text: 'Sign in with CONSOLE_TOKEN' }
  }

  /** Beside `refuses`, for what changes something. */
  refusesChange(request: IncomingMessage): Refusal {
    const refusal = this.refuses(request)
    if (refusal) return refusal
    // A program that has the token is no browser that somebody else has sent.
    if (this.mode === 'token' && this.#hasBearer(request)) return undefined
    if (!comesFromHere(request)) return { status: 403, text: 'It does not come from this page' }
    const sent = request.headers['x-console-token']
    return typeof sent === 'string' && this.#page.is(sent)
      ? undefined
      : { status: 403, text: 'The page is of another run of the console: load it again' }
  }

  /**
   * @returns the cookie of a new session; `wrong`, or `later`: too many have been wrong
   */
  signIn(token: string, now = Date.now()): { readonly cookie: string } | 'wrong' | 'later' {
    this.#attempts = this.#attempts.filter((at) => now - at < attemptsMs)
    if (this.#attempts.length >= attemptsMax) return 'later'
    if (!this.#token?.is(token)) {
      this.#attempts.push(now)
      return 'wrong'
    }
    const id = randomBytes(24).toString('base64url')
    this.#sessions.add(id)
    for (const oldest of this.#sessions) {
      if (this.#sessions.size <= sessionsMax) break
      this.#sessions.delete(oldest)
    }
    return { cookie: `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict` }
  }

  #isKnown(request: IncomingMessage): boolean {
    return this.#hasBearer(request) || this.#sessions.has(cookieOf(request))
  }

  #hasBearer({ headers }: IncomingMessage): boolean {
    const [, sent] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? []
    return sent !== undefined && this.#token?.is(sent) === true
  }
}

const closedText =
  'The console is closed: it listens on an address that others reach. Set CONSOLE_TOKEN, or CONSOLE_TOKEN_FILE, and sign in with it'

/** As the caller wrote it, without the port. */
const hostNameOf = ({ headers }: IncomingMessage): string =>
  (headers.host ?? '').replace(/:\d+$/, '')

/** Browsers name the origin of everything that is no plain reading. */
export function comesFromHere({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === host.toLowerCase()
}

function cookieOf({ headers }: IncomingMessage): string {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === cookieName && value !== undefined) return value
  }
  return ''
}
