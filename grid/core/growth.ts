import type { Value } from './data-types.ts'
import { idempotencyCacheNumber } from './shape.ts'
import { type Step, StepKind } from './steps.ts'
import type { View } from './view.ts'

/** Of an entry beside its value: what it costs to keep one more. */
const entryBytes = 64

/**
 * Bytes of content in plain data: of texts and byte arrays their length, of everything else one
 * each. At most what it takes in the log, so what is too much here is too much there; quick, for it
 * is asked of each transaction.
 */
export function contentBytes(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  if (ArrayBuffer.isView(value)) return value.byteLength
  let bytes = 1
  if (Array.isArray(value)) for (const item of value) bytes += contentBytes(item)
  else for (const name in value) bytes += contentBytes((value as Value)[name])
  return bytes
}

/** By how much a transaction makes a space grow, in bytes of content; negative: it makes room. */
export interface Growth {
  readonly entries: number
  /** Of the answer that is remembered under an idempotency key, and forgotten after a while. */
  readonly remembered: number
}

/**
 * Foreseen over a view, for the decision whether there is room for it. A `take` counts by what it
 * writes, for which entries it will meet is not known before it is melded.
 */
export function growthOf(view: View, steps: readonly Step[]): Growth {
  let entries = 0
  let remembered = 0
  /** Of the entries that earlier steps have written. */
  const sizes = new Map<string, number>()
  const become = (cache: number, key: string, size: (before: number) => number): void => {
    const name = `${cache}/${key}`
    const before = sizes.get(name) ?? sizeOf(key, view.find(cache, key)?.value)
    const after = size(before)
    sizes.set(name, after)
    if (cache === idempotencyCacheNumber) remembered += after - before
    else entries += after - before
  }
  for (const step of steps)
    switch (step.kind) {
      case StepKind.put:
        become(step.cache, step.key, () => sizeOf(step.key, step.value))
        break
      case StepKind.delete:
      case StepKind.archive:
        become(step.cache, step.key, () => 0)
        break
      case StepKind.increment:
        become(step.cache, step.key, (before) => before || sizeOf(step.key, step.initial))
        break
      case StepKind.append: {
        const items = contentBytes(step.items)
        become(step.cache, step.key, (before) => (before || sizeOf(step.key, step.initial)) + items)
        break
      }
      case StepKind.take:
        entries += step.limit * Math.max(0, contentBytes(step.patch) - entryBytes)
        break
      case StepKind.remember:
        remembered += sizeOf(step.key, { data: step.data })
    }
  return { entries, remembered }
}

const sizeOf = (key: string, value: Value | undefined): number =>
  value === undefined ? 0 : entryBytes + key.length + contentBytes(value)
