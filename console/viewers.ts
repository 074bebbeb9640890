import type { ServerResponse } from 'node:http'

/** Bytes that wait for one viewer; whoever has more waiting is passed over until there are less. */
const waitingBytesMax = 1024 * 1024
export const viewersMax = 200

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
    // How soon a browser connects again, ms.
    response.write('retry: 1000\n\n')
    this.#all.add(response)
    response.once('close', () => {
      this.#all.delete(response)
      left()
    })
  }

  tellAll(event: string, data: unknown): void {
    if (this.#all.size === 0) return
    const text = eventText(event, data)
    for (const response of this.#all)
      if (response.writableLength < waitingBytesMax) response.write(text)
  }

  end(): void {
    for (const response of this.#all) response.end()
  }
}

/** JSON holds no line break, so it is one line of data whatever is in it. */
export const eventText = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
