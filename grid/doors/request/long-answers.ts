/** Values in an answer that is not written in one piece: some milliseconds of work. */
const longValues = 10_000
/** Values of a piece, about: a fraction of a millisecond. */
const pieceValues = 1000
/** Longest time without letting others have a turn. */
const sliceMs = 5

/** The JSON of an answer, and how long the process was kept busy with it. */
export interface WrittenJson {
  readonly json: Buffer
  readonly ms: number
}

/** Whether writing it would keep everybody else waiting. */
export const isLong = (data: unknown): boolean => valuesIn(data, longValues) > longValues

/**
 * Long answers are written in slices, one answer after the other, so that whoever asks for little
 * waits for a slice of what others have asked for and not for all of it. What is written must not
 * change meanwhile: what a query has returned is not, for what is committed never is.
 */
export class LongAnswers {
  #last: Promise<unknown> = Promise.resolve()

  write(data: unknown): Promise<WrittenJson> {
    const written = this.#last.then(() => inSlices(data))
    this.#last = written.catch(() => undefined)
    return written
  }
}

async function inSlices(data: unknown): Promise<WrittenJson> {
  const pieces = jsonPieces(data)
  const written: Buffer[] = []
  let ms = 0
  for (;;) {
    const begun = performance.now()
    let isOver = false
    while (!isOver && performance.now() - begun < sliceMs) {
      const { done, value } = pieces.next()
      if (done) isOver = true
      else written.push(Buffer.from(value))
    }
    // In one that took longer the process was stopped: that is no work.
    ms += Math.min(performance.now() - begun, 2 * sliceMs)
    if (isOver) break
    await new Promise(setImmediate)
  }
  return { json: Buffer.concat(written), ms }
}

/** Together what `JSON.stringify` makes of it. */
export function* jsonPieces(data: unknown): Generator<string, void> {
  if (valuesIn(data, pieceValues) <= pieceValues) yield JSON.stringify(data)
  else if (Array.isArray(data)) yield* piecesOfItems(data)
  else if (isPlain(data)) yield* piecesOfMembers(data)
  else yield JSON.stringify(data)
}

function* piecesOfItems(items: readonly unknown[]): Generator<string, void> {
  let before = '['
  let from = 0
  let count = 0
  const several = (to: number) => before + JSON.stringify(items.slice(from, to)).slice(1, -1)
  for (let at = 0; at < items.length; at++) {
    const values = valuesIn(items[at], pieceValues)
    if (at > from && count + values > pieceValues) {
      yield several(at)
      before = ','
      from = at
      count = 0
    }
    count += values
    if (values <= pieceValues) continue
    yield before
    yield* jsonPieces(items[at])
    before = ','
    from = at + 1
    count = 0
  }
  yield from < items.length ? `${several(items.length)}]` : before === '[' ? '[]' : ']'
}

function* piecesOfMembers(members: Readonly<Record<string, unknown>>): Generator<string, void> {
  let before = '{'
  // One without a prototype takes any name.
  let few: Record<string, unknown> = Object.create(null)
  let count = 0
  function* those(): Generator<string, void> {
    if (count === 0) return
    yield before + JSON.stringify(few).slice(1, -1)
    before = ','
    few = Object.create(null)
    count = 0
  }
  for (const [name, member] of Object.entries(members)) {
    // As `JSON.stringify` has it: what is undefined is not there.
    if (member === undefined) continue
    const values = valuesIn(member, pieceValues)
    if (count + values > pieceValues) yield* those()
    if (values <= pieceValues) {
      few[name] = member
      count += values
      continue
    }
    yield `${before}${JSON.stringify(name)}:`
    yield* jsonPieces(member)
    before = ','
  }
  yield* those()
  yield before === '{' ? '{}' : '}'
}

/** Values in it, itself included, counted up to some more than `most`. */
function valuesIn(data: unknown, most: number): number {
  if (typeof data !== 'object' || data === null) return 1
  let count = 1
  if (Array.isArray(data)) {
    for (let at = 0; at < data.length && count <= most; at++)
      count += valuesIn(data[at], most - count)
  } else if (isPlain(data)) {
    for (const name in data) {
      count += valuesIn(data[name], most - count)
      if (count > most) break
    }
  }
  return count
}

/** Others know themselves how they are written. */
function isPlain(data: unknown): data is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null
}
