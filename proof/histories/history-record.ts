import { once } from 'node:events'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Fault } from '../chaos/fault-plan.ts'
import type { ListTransaction } from './list-transaction.ts'
import type { RegisterOperation } from './register-operation.ts'

/** One line of a recorded history. */
type Line =
  | { readonly register: RegisterOperation }
  | { readonly list: ListTransaction }
  | { readonly fault: Fault & { readonly at: number } }

/**
 * What clients saw and what was done to the grid, in memory and, a line of JSON each, in a file,
 * which can be judged again. What ended later stands later.
 */
export class HistoryRecord {
  readonly registers: RegisterOperation[] = []
  readonly lists: ListTransaction[] = []
  /** Operations that have had an answer. */
  answers = 0
  readonly #startedAt = process.hrtime.bigint()
  readonly #file: WriteStream | undefined

  constructor(file?: string) {
    this.#file = file === undefined ? undefined : createWriteStream(file)
  }

  /** As it was recorded. */
  static async read(file: string): Promise<HistoryRecord> {
    const record = new HistoryRecord()
    for await (const text of createInterface({ input: createReadStream(file) }))
      record.#take(JSON.parse(text) as Line)
    return record
  }

  /** ns since the record began; of one clock, which only goes forward. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt)
  }

  register(register: RegisterOperation): void {
    this.#write({ register })
  }

  list(list: ListTransaction): void {
    this.#write({ list })
  }

  fault(fault: Fault): void {
    this.#write({ fault: { ...fault, at: this.now() } })
  }

  async close(): Promise<void> {
    if (!this.#file) return
    this.#file.end()
    await once(this.#file, 'close')
  }

  #write(line: Line): void {
    this.#take(line)
    this.#file?.write(`${JSON.stringify(line)}\n`)
  }

  #take(line: Line): void {
    if ('register' in line) this.registers.push(line.register)
    else if ('list' in line) this.lists.push(line.list)
    else return
    const { outcome } = 'register' in line ? line.register : line.list
    if (outcome === 'ok') this.answers++
  }

  /** The longest time in which nobody was answered, in ms. */
  get silenceMsMax(): number {
    const ends = [...this.registers, ...this.lists].flatMap((operation) =>
      operation.outcome === 'ok' ? [operation.return ?? 0] : [],
    )
    ends.sort((one, other) => one - other)
    return ends.reduce((most, end, at) => Math.max(most, (end - (ends[at - 1] ?? end)) / 1e6), 0)
  }
}
