import type { ServerResponse } from 'node:http'
import { eventText, retryText } from '@spacegrid/grid/doors/events/event-text'

/** Bytes that wait for one viewer; whoever has more waiting is passed over until there are less. */
const waitingBytesMax = 1024 * 1024
const viewersMax = 200
/** How soon a browser connects again, ms. */
const againMs = 1000

/** Those who look, each over a stream of server-sent events. What all are told is encoded once. */
export class Viewers {
  readonly #all = new Set<ServerResponse>()

  get count(): number {
    return this.#all.size
  }

  get isFull(): boolean {
    return this.#all.size >= viewersMax
  }

  /** @param left told once the viewer has gone */
  add(response: ServerResponse, left: () => void): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write(retryText(againMs))
    this.#all.add(response)
    response.once('close', () => {
      this.#all.delete(response)
      left()
    })
  }

  tell(response: ServerResponse, event: string, data: unknown): void {
    response.write(textOf(event, data))
  }

  tellAll(event: string, data: unknown): void {
    if (this.#all.size === 0) return
    const text = textOf(event, data)
    for (const response of this.#all)
      if (response.writableLength < waitingBytesMax) response.write(text)
  }

  end(): void {
    for (const response of this.#all) response.end()
  }
}

const textOf = (event: string, data: unknown): string =>
  eventText(event, undefined, JSON.stringify(data))
