import jsonPatch from 'fast-json-patch'
import type { GridError } from '../../core/errors.ts'
import { type PositionToken, positionJson, readPosition } from '../../core/position.ts'
import type { LiveServing, Watched } from '../request/live.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { eventText, idText, retryText } from './event-text.ts'
import type { StreamReader } from './stream-reader.ts'

export interface QueryChannelOptions extends ChannelOptions {
  readonly query: string
  readonly input: unknown
  /** A unit that is ready. */
  readonly live: () => LiveServing
  /** What is said of an error. */
  readonly problem: (error: GridError) => object
}

/** What a reader of a live query has been told last. */
export interface KnownAnswer {
  readonly position: PositionToken
  readonly tag: string
}

const retryMs = 2000
/** Longest wait of one look for another answer, ms. */
const lookMs = 10_000
const idPattern = /^([0-9.-]+)~([A-Za-z0-9_-]{22})$/

/** undefined: it is the id of no answer. */
export function readAnswerId(id: string): KnownAnswer | undefined {
  const [, text = '', tag = ''] = idPattern.exec(id) ?? []
  const position = readPosition(text)
  return position === undefined ? undefined : { position, tag }
}

/**
 * Readers of one query with one input: whoever asks the same hears the same, for queries do not
 * know who asks. The answer is encoded once, and so is what of it changes: a JSON Patch (RFC 6902)
 * of the result, or, where that would be longer, the whole answer again. A reader that has not
 * taken the last of it yet gets the newest answer when it has, and nothing in between.
 */
export class QueryChannel extends Channel {
  readonly #options: QueryChannelOptions
  #answer: Watched | undefined
  /** As readers have it. */
  #result: unknown
  #position: PositionToken = 0
  #whole: Buffer | undefined
  /** Counts the answers. */
  #version = 0
  #live: LiveServing
  /** Readers that are told when they have taken what they have been sent. */
  readonly #later = new Set<StreamReader>()

  constructor(options: QueryChannelOptions) {
    super(options)
    this.#options = options
    this.#live = options.live()
  }

  /** @throws GridError what the query is answered with in place of a result */
  protected async open(): Promise<void> {
    const { query, input } = this.#options
    const answer = await this.#live.watch(query, input, { withinMs: lookMs })
    if (answer.failure) throw answer.failure
    this.#take(answer)
  }

  /**
   * Makes certain that nobody is told of an earlier state than they know.
   * @throws GridError `position_timeout`, `invalid_header`
   */
  async reach(known: KnownAnswer): Promise<void> {
    const { query, input } = this.#options
    await this.#live.watch(query, input, { position: known.position, withinMs: 0 })
  }

  /** Of a reader whose headers have been sent. */
  join(reader: StreamReader, known: KnownAnswer | undefined): void {
    const isKnown = known?.tag === this.#answer?.tag
    this.#options.telemetry.begun()
    this.add(reader)
    reader.send(Buffer.from(retryText(retryMs) + (isKnown ? idText(this.id) : '')))
    if (isKnown) reader.version = this.#version
    else this.#sendWhole(reader)
  }

  protected get id(): string {
    return `${this.#position}~${this.#answer?.tag}`
  }

  protected counted(): void {
    // A unit knows how many queries it keeps, and not for how many.
  }

  protected begin(): void {
    this.#live = this.#options.live()
  }

  protected async step(): Promise<void> {
    const { query, input } = this.#options
    const known = this.#answer?.tag
    const answer = await this.#live.watch(query, input, { known, withinMs: lookMs })
    if (this.closed) return
    if (answer.tag === known) {
      this.#position = answer.position
      return
    }
    const before = this.#result
    const hadResult = this.#answer?.failure === undefined
    this.#take(answer)
    const bytes = hadResult && !answer.failure ? this.#changeBytes(before) : this.#wholeBytes()
    const version = this.#version
    await this.tell((reader) => {
      if (reader.version === version) return
      if (reader.isBehind) this.#tellLater(reader)
      else if (reader.version === version - 1) {
        reader.version = version
        this.deliver(reader, bytes)
      } else this.#sendWhole(reader)
    })
  }

  /** Once it has taken what it has been sent, whatever the answer is then. */
  #tellLater(reader: StreamReader): void {
    if (this.#later.has(reader)) return
    this.#later.add(reader)
    reader.whenTaken(() => {
      this.#later.delete(reader)
      if (!this.closed && reader.version !== this.#version) this.#sendWhole(reader)
    })
  }

  #sendWhole(reader: StreamReader): void {
    reader.version = this.#version
    this.deliver(reader, this.#wholeBytes())
  }

  #take(answer: Watched): void {
    this.#version++
    this.#answer = answer
    this.#position = answer.position
    this.#result = answer.json === undefined ? undefined : JSON.parse(answer.json)
    this.#whole = undefined
  }

  #wholeBytes(): Buffer {
    this.#whole ??= Buffer.from(this.#wholeText())
    return this.#whole
  }

  #wholeText(): string {
    const { json, failure } = this.#answer as Watched
    if (failure)
      return eventText('failure', this.id, JSON.stringify(this.#options.problem(failure)))
    const data = `{"result":${json},"position":${positionJson(this.#position)}}`
    return eventText('answer', this.id, data)
  }

  #changeBytes(before: unknown): Buffer {
    const patch = patchOf(before, this.#result)
    if (patch === undefined) return this.#wholeBytes()
    const json = JSON.stringify(patch)
    if (json.length >= (this.#answer?.json?.length ?? 0)) return this.#wholeBytes()
    const data = `{"patch":${json},"position":${positionJson(this.#position)}}`
    return Buffer.from(eventText('patch', this.id, data))
  }
}

/** undefined: there is none, as one of them is no object and no list. */
function patchOf(before: unknown, after: unknown): readonly object[] | undefined {
  const isTree = (value: unknown) => typeof value === 'object' && value !== null
  if (!isTree(before) || !isTree(after)) return undefined
  if (Array.isArray(before) !== Array.isArray(after)) return undefined
  return jsonPatch.compare(before as object, after as object)
}
