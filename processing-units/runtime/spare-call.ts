/** What a spare tells the process that has started it, and what it is told. */
export const spareWords = { ready: 'spare is ready', callUp: 'spare is called up' } as const

/**
 * The call that a spare waits for, which comes over the channel to the process that has started it.
 * Without one nobody ever calls.
 */
export class SpareCall {
  #isCalled = false
  readonly #called = Promise.withResolvers<void>()

  constructor() {
    process.on('message', (message) => {
      if (message !== spareWords.callUp) return
      this.#isCalled = true
      this.#called.resolve()
    })
  }

  get isCalled(): boolean {
    return this.#isCalled
  }

  get called(): Promise<void> {
    return this.#called.promise
  }

  /** It holds everything, and could serve at once. */
  tellReady(): void {
    if (process.connected) process.send?.(spareWords.ready)
  }
}
