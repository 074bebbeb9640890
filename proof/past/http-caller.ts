import type { HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { expect } from 'vitest'

/** Asks the HTTP door of a space. */
export class HttpCaller {
  readonly #server: HttpServer
  readonly #space: string

  constructor(server: HttpServer, space: string) {
    this.#server = server
    this.#space = space
  }

  /** It must be accepted. */
  async command(name: string, payload: object): Promise<void> {
    const url = `/${this.#space}/commands/${name}`
    const headers = { 'content-type': 'application/json' }
    const answer = await this.#server.inject({ method: 'POST', url, headers, payload })
    expect(answer.statusCode, answer.body).toBe(200)
  }

  async get(path: string, position?: string) {
    const headers = position === undefined ? {} : { 'grid-position': position }
    return await this.#server.inject({ method: 'GET', url: `/${this.#space}/${path}`, headers })
  }

  /** The same, which must be answered. */
  async ask<Answer>(path: string, position?: string): Promise<Answer> {
    const answer = await this.get(path, position)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json<Answer>()
  }
}
