import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GridError, isGridError } from '../../core/errors.ts'
import { invalidField } from '../../core/validation.ts'
import type { LineName } from '../../core/waiting-room.ts'
import { parseJsonInput } from '../request/json-input.ts'
import { cookieNameOf, cookiesOf, type PassKind } from '../request/line-passes.ts'
import type { Joining, LineServing, Place } from '../request/line-serving.ts'
import { placeJson, waitJson } from '../request/place-json.ts'
import { requestHeaders } from '../request/request-options.ts'
import { pathOf } from '../request/waiting-room-guard.ts'
import {
  admittedPage,
  faultPage,
  outsidePage,
  overPage,
  pageHeaders,
  waitingPage,
} from './line-page.ts'

const prefix = '/waiting-room/'
const formType = 'application/x-www-form-urlencoded'
const formBytesMax = 4096

/**
 * The waiting room over HTTP, for programs (JSON) and for people (a page, which needs no JavaScript
 * and no cookies): `GET` looks, `POST` joins, `DELETE` leaves, under `/waiting-room/{space}/{key}`.
 * A form, which knows no `DELETE`, says `action=leave`.
 */
export function addLineRoutes(app: FastifyInstance, room: LineServing): void {
  app.addContentTypeParser(
    formType,
    { parseAs: 'string', bodyLimit: formBytesMax },
    (_, body, done) => done(null, new URLSearchParams(body as string)),
  )
  const url = `${prefix}*`
  // Visitors stand in line before they are anybody.
  const open = { config: { isPublic: true } }
  const route = (answer: (request: LineRequest) => Promise<void> | void) => {
    return async (raw: FastifyRequest, reply: FastifyReply) => {
      const request = new LineRequest(room, raw, reply)
      try {
        await answer(request)
      } catch (error) {
        if (!request.wantsPage || !isGridError(error) || error.status === 500) throw error
        request.sendPage(error.status, faultPage(error, request.path))
      }
      return reply
    }
  }
  app.get(
    url,
    open,
    route((request) => request.look()),
  )
  app.post(
    url,
    open,
    route((request) => request.post()),
  )
  app.delete(
    url,
    open,
    route((request) => request.leave()),
  )
}

class LineRequest {
  readonly #room: LineServing
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly line: LineName

  constructor(room: LineServing, request: FastifyRequest, reply: FastifyReply) {
    this.#room = room
    this.#request = request
    this.#reply = reply
    this.line = (request.params as { readonly '*': string })['*']
  }

  get path(): string {
    return `${prefix}${pathOf(this.line)}`
  }

  get wantsPage(): boolean {
    const { accept = '' } = this.#request.headers
    return accept.includes('text/html')
  }

  look(): void {
    const inUrl = this.#parameters.get('ticket') ?? undefined
    const ticket = inUrl ?? this.#ticket
    if (ticket === undefined) this.#tellOutside()
    // Where there are cookies the ticket need not stand in the address, which people pass on.
    else if (this.wantsPage && inUrl !== undefined && inUrl === this.#cookie('ticket'))
      this.#redirect(this.path)
    else this.#tell(200, this.#room.look(this.line, ticket))
  }

  #tellOutside(): void {
    const outside = this.#room.outside(this.line)
    const { estimate, ...told } = outside
    if (this.wantsPage) this.sendPage(200, outsidePage(outside, this.path, this.#room.openLanes))
    else this.#sendJson(200, { state: 'outside', ...told, ...waitJson(estimate) })
  }

  async post(): Promise<void> {
    const { body } = this.#request
    if (body instanceof URLSearchParams) {
      if (body.get('action') === 'leave') this.leave(body.get('ticket') ?? undefined)
      else await this.#joinByForm(body)
      return
    }
    const asked = body === undefined ? {} : joiningOf(parseJsonInput(body as Uint8Array))
    this.#tell(201, await this.#room.join(this.line, { ticket: this.#ticket, ...asked }))
  }

  /** Who reloads what follows looks again, and does not join again. */
  async #joinByForm(form: URLSearchParams): Promise<void> {
    const place = await this.#room.join(this.line, {
      lane: form.get('lane') ?? undefined,
      claim: form.get('claim') ?? undefined,
      ticket: form.get('ticket') ?? this.#ticket,
    })
    this.#keep(place)
    const ticket = place.state === 'over' ? '' : `?ticket=${encodeURIComponent(place.ticket)}`
    this.#redirect(`${this.path}${ticket}`)
  }

  leave(ticket = this.#ticket): void {
    if (ticket === undefined)
      throw new GridError('ticket_invalid', 'There is no ticket to give back', {
        details: { kind: 'ticket', reason: 'missing', line: this.line },
      })
    this.#room.leave(this.line, ticket)
    this.#setCookie('ticket', '', 0)
    this.#setCookie('admission', '', 0)
    if (this.wantsPage) this.#redirect(this.path)
    else this.#sendJson(200, { state: 'outside', line: this.line })
  }

  sendPage(status: number, page: string): void {
    void this.#reply.code(status).headers(pageHeaders).send(page)
  }

  #tell(status: number, place: Place): void {
    this.#keep(place)
    if (place.state === 'waiting')
      this.#reply.header('retry-after', Math.ceil(place.retryAfterMs / 1000))
    const link = this.#room.linkOf(this.line)
    if (!this.wantsPage) this.#sendJson(status, placeJson(place, link))
    else if (place.state === 'waiting') this.sendPage(200, waitingPage(place, this.path))
    else if (place.state === 'over') this.sendPage(200, overPage(place, this.path))
    else this.sendPage(200, admittedPage(place, this.path, link))
  }

  #redirect(to: string): void {
    void this.#reply.code(303).header('location', to).send()
  }

  /**
   * For browsers: the page finds the ticket again, and what the visitor asks then has its
   * admission.
   */
  #keep(place: Place): void {
    const { ticketMs } = this.#room
    const holds = place.state !== 'over'
    this.#setCookie('ticket', holds ? place.ticket : '', holds ? ticketMs : 0)
    if (place.state === 'admitted')
      this.#setCookie('admission', place.admission, place.until - Date.now())
  }

  #setCookie(kind: PassKind, value: string, ms: number): void {
    const isSecure = this.#request.headers['x-forwarded-proto'] === 'https'
    const seconds = Math.max(0, Math.ceil(ms / 1000))
    const limits = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
    void this.#reply.header('set-cookie', `${cookieNameOf(kind, this.line)}=${value}; ${limits}`)
  }

  get #ticket(): string | undefined {
    const { raw } = this.#request
    const header = raw.headers[requestHeaders.ticket.toLowerCase()] as string | undefined
    return header ?? this.#cookie('ticket')
  }

  #cookie(kind: PassKind): string | undefined {
    return cookiesOf(this.#request.headers.cookie, `${cookieNameOf(kind, this.line)}=`)[0]
  }

  get #parameters(): URLSearchParams {
    return new URLSearchParams((this.#request.query as { readonly text: string }).text)
  }

  #sendJson(status: number, body: object): void {
    void this.#reply
      .code(status)
      .header('content-type', 'application/json; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(Buffer.from(JSON.stringify(body)))
  }
}

const fields = ['lane', 'claim', 'ticket'] as const

/** @throws GridError `invalid_input` */
function joiningOf(body: unknown): Joining {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidField('', 'must be an object')
  for (const [name, value] of Object.entries(body)) {
    if (!fields.some((known) => known === name))
      throw invalidField(name, `is not known (known: ${fields.join(', ')})`)
    if (typeof value !== 'string') throw invalidField(name, 'must be string')
  }
  return body
}
