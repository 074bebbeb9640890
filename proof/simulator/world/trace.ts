/**
 * What happened in a run, line by line. Always hashed, so that two runs can be compared; kept only
 * on request, for most runs nobody reads.
 */
export class Trace {
  readonly lines: string[] | undefined
  readonly #now: () => number
  #left = 0x811c9dc5
  #right = 0x9e3779b9

  constructor(now: () => number, keep: boolean) {
    this.#now = now
    this.lines = keep ? [] : undefined
  }

  note(what: string): void {
    const line = `${this.#now().toFixed(1).padStart(9)} ${what}`
    this.lines?.push(line)
    for (let at = 0; at < line.length; at++) this.#mix(line.charCodeAt(at))
  }

  /** Bytes too many to be read, but which must be the same again. */
  hash(bytes: Uint8Array): void {
    for (const byte of bytes) this.#mix(byte)
  }

  /** 16 hex digits. */
  get digest(): string {
    const hex = (n: number) => (n >>> 0).toString(16).padStart(8, '0')
    return hex(this.#left) + hex(this.#right)
  }

  #mix(code: number): void {
    this.#left = Math.imul(this.#left ^ code, 0x01000193)
    this.#right = Math.imul(this.#right ^ code, 0x85ebca6b) ^ (this.#right >>> 13)
  }
}
