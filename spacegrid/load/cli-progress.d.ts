/** The part of cli-progress used here; the package carries no types of its own. */
declare module 'cli-progress' {
  interface Options {
    format: string
    stream?: NodeJS.WritableStream
    clearOnComplete?: boolean
    gracefulExit?: boolean
  }

  class SingleBar {
    constructor(options: Options)
    start(
      total: number,
      startValue: number,
      payload: Readonly<Record<string, string | number>>,
    ): void
    update(value: number, payload: Readonly<Record<string, string | number>>): void
    stop(): void
  }

  const cliProgress: { SingleBar: typeof SingleBar }
  export default cliProgress
}
