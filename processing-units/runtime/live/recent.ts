/** Something that is remembered, of one position of the log. */
export interface Remembered {
  readonly position: number
  /** Of all that happened at its position, which it was; from 1. */
  readonly at: number
  /** Memory that it may keep from being freed, roughly. */
  readonly bytes: number
}

/** Dropped items that may still be in the list before it is cut. */
const droppedMax = 4096

/**
 * The last that has happened, without a gap: everything behind a position, in order. What is
 * forgotten first is the oldest, a position at a time.
 */
export class Recent<Item extends Remembered> {
  #items: Item[] = []
  #start = 0
  #since: number
  #bytes = 0

  /** @param since the position behind which everything will be added */
  constructor(since: number) {
    this.#since = since
  }

  /** Everything behind this position is here. */
  get since(): number {
    return this.#since
  }

  get bytes(): number {
    return this.#bytes
  }

  add(item: Item): void {
    this.#items.push(item)
    this.#bytes += item.bytes
  }

  /** Nothing of what is here leads to what comes next. */
  restart(since: number): void {
    this.#items = []
    this.#start = 0
    this.#bytes = 0
    this.#since = since
  }

  forgetOldest(): void {
    const position = this.#items[this.#start]?.position
    if (position === undefined) return
    this.#since = position
    for (let item = this.#items[this.#start]; item?.position === position; ) {
      this.#bytes -= item.bytes
      item = this.#items[++this.#start]
    }
    if (this.#start < droppedMax && this.#start < this.#items.length) return
    this.#items = this.#items.slice(this.#start)
    this.#start = 0
  }

  /** Those at a position and behind it, in order. */
  *from(position: number): Generator<Item, undefined> {
    let low = this.#start
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#items[middle] as Item).position < position) low = middle + 1
      else high = middle
    }
    for (let at = low; at < this.#items.length; at++) yield this.#items[at] as Item
    return undefined
  }
}

/** Rough bytes of a value that is kept in memory: texts, and a word for everything else. */
export function roughBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength
  if (depth > 3) return 64
  let bytes = 32
  if (Array.isArray(value)) {
    // Long lists are of one kind most often: the first items say what the others are like.
    const looked = Math.min(value.length, 16)
    for (let at = 0; at < looked; at++) bytes += roughBytes(value[at], depth + 1)
    return looked === 0 ? bytes : 32 + ((bytes - 32) * value.length) / looked
  }
  for (const name in value) bytes += 8 + roughBytes(value[name as keyof typeof value], depth + 1)
  return bytes
}
