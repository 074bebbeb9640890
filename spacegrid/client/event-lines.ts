/** An event of a stream. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
}

/**
 * Reads server-sent events (WHATWG HTML, 9.2.6 "Interpreting an event stream") from a text that
 * comes in pieces. An id that comes without an event counts as well: the grid sends such ids.
 */
export class EventLines {
  /** Of the last event that is complete; undefined: none has been told. */
  lastId: string | undefined
  /** What the server wants between two connections, ms. */
  retryMs: number | undefined
  #rest = ''
  #id: string | undefined
  #type = ''
  #data: string[] = []

  constructor(lastId?: string) {
    this.lastId = lastId
    this.#id = lastId
  }

  /** A new connection: of the last event of the old one only a part may have come. */
  begin(): void {
    this.#rest = ''
    this.#id = this.lastId
    this.#type = ''
    this.#data = []
  }

  *read(piece: string): Generator<StreamEvent, void> {
    this.#rest += piece
    for (;;) {
      const found = /\r\n|\n|\r(?!$)/.exec(this.#rest)
      if (!found) return
      const line = this.#rest.slice(0, found.index)
      this.#rest = this.#rest.slice(found.index + found[0].length)
      if (line !== '') this.#take(line)
      else {
        const event = this.#complete()
        if (event) yield event
      }
    }
  }

  #complete(): StreamEvent | undefined {
    this.lastId = this.#id
    const data = this.#data
    const type = this.#type === '' ? 'message' : this.#type
    this.#type = ''
    this.#data = []
    return data.length === 0 ? undefined : { type, data: data.join('\n') }
  }

  #take(line: string): void {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#type = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value)
  }
}
