import { partitionsMax } from '../../core/partition.ts'
import { isToldText, packMessage, readTold } from '../wire/sealed-message.ts'
import type { CopyState, Member } from './member.ts'

const presenceFormat = 1
/** Hot keys in one message; beyond, the coldest are not told. */
export const hotKeysMax = 64
const hashMax = 2 ** 32 - 1

/** What is told on `subjects.presence`. */
export interface PresenceTold extends Member {
  /** Grows with all that this process tells: what was overtaken on its way is passed over. */
  readonly count: number
  /** Its last word. */
  readonly gone: boolean
  /** Of the space, by its definition. */
  readonly partitions: number
  /** Of each partition, as far as it is concerned. */
  readonly copies: number
}

export function encodePresence(told: PresenceTold): Uint8Array {
  const { id, count, role, name, zone, weight, full, stopping, gone, keeps } = told
  const of = (state: CopyState) =>
    [...keeps].flatMap(([partition, its]) => (its === state ? [partition] : []))
  const copies = [of('joining'), of('ready'), of('leaving')]
  const flags = [full, stopping, gone]
  const divided = [told.partitions, told.copies]
  const fields = [id, count, role, name, zone ?? '', weight, flags, copies, divided]
  const hot = hottest(told.hot)
  return packMessage(presenceFormat, hot.length > 0 ? [...fields, hot] : fields)
}

/** undefined: no such message, as `readTold` has it. */
export const decodePresence = (data: Uint8Array): PresenceTold | undefined =>
  readTold(presenceFormat, data, readPresence)

function readPresence(fields: unknown): PresenceTold | undefined {
  if (!Array.isArray(fields)) return undefined
  const [id, count, role, name, zone, weight, flags, copies, divided, hot] = fields as unknown[]
  if (!isCount(id) || !isCount(count) || !isToldText(role) || !isToldText(name)) return undefined
  if (zone !== '' && !isToldText(zone)) return undefined
  if (!Number.isFinite(weight) || (weight as number) <= 0) return undefined
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'boolean')) return undefined
  if (!Array.isArray(divided) || !divided.every(isCount)) return undefined
  const keeps = readCopies(copies)
  const hotKeys = readHotKeys(hot)
  if (!keeps || !hotKeys) return undefined
  const [full = false, stopping = false, gone = false] = flags as boolean[]
  return {
    ...{ id, count, role, name, zone: zone === '' ? undefined : zone },
    ...{ weight: weight as number, full, stopping, gone, keeps },
    ...(hotKeys.size > 0 ? { hot: hotKeys } : {}),
    ...{ partitions: divided[0] ?? 1, copies: divided[1] ?? 1 },
  }
}

const states: readonly CopyState[] = ['joining', 'ready', 'leaving']

function readCopies(copies: unknown): Map<number, CopyState> | undefined {
  if (!Array.isArray(copies)) return undefined
  const keeps = new Map<number, CopyState>()
  for (const [at, state] of states.entries()) {
    const partitions: unknown = copies[at]
    if (!Array.isArray(partitions)) return undefined
    for (const partition of partitions as unknown[]) {
      if (!isCount(partition) || partition >= partitionsMax) return undefined
      keeps.set(partition, state)
    }
  }
  return keeps
}

const hottest = (hot: Member['hot']): (readonly [hash: number, perSecond: number])[] =>
  [...(hot ?? [])].sort(([, one], [, other]) => other - one).slice(0, hotKeysMax)

/** Of a process that knows none, or does not know of them: nothing. */
function readHotKeys(told: unknown): Map<number, number> | undefined {
  if (told === undefined) return new Map()
  if (!Array.isArray(told)) return undefined
  const hot = new Map<number, number>()
  for (const pair of told.slice(0, hotKeysMax) as unknown[]) {
    const [hash, perSecond] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (!isCount(hash) || hash > hashMax) return undefined
    if (!Number.isFinite(perSecond) || (perSecond as number) < 0) return undefined
    hot.set(hash, perSecond as number)
  }
  return hot
}

const isCount = (it: unknown): it is number => Number.isSafeInteger(it) && (it as number) >= 0
