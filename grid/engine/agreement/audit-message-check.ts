import type { AuditMessage, AuditRole } from './audit-message.ts'

/** Marks of one message: a sample has a few hundred, the reader tells more at once. */
const marksMax = 100_000
/** A message with a longer text is none. */
export const textLengthMax = 4096

const roles: ReadonlySet<unknown> = new Set<AuditRole>(['unit', 'pump', 'store', 'image'])

type Check = (item: unknown) => boolean
type Fields = Readonly<Record<string, unknown>>

const isCount: Check = (item) => Number.isSafeInteger(item) && (item as number) >= 0
const isText: Check = (item) => typeof item === 'string' && item.length <= textLengthMax
const isFlag: Check = (item) => typeof item === 'boolean'
const isFields = (item: unknown): item is Fields => typeof item === 'object' && item !== null

const isTeller: Check = (item) =>
  isFields(item) && isCount(item.id) && isText(item.name) && roles.has(item.role)
const isEntryName: Check = (item) =>
  isFields(item) && isText(item.cache) && isText(item.key) && isCount(item.position)
const isMark: Check = (item) =>
  Array.isArray(item) &&
  item.length === 4 &&
  isText(item[0]) &&
  isText(item[1]) &&
  isCount(item[2]) &&
  Number.isFinite(item[3])
const isKeyOfCache: Check = (item) => Array.isArray(item) && item.length === 2 && item.every(isText)
const areAll =
  (holds: Check): Check =>
  (item) =>
    Array.isArray(item) && item.length <= marksMax && item.every(holds)
const areMarks = areAll(isMark)

const fieldsOf: Readonly<Record<AuditMessage['kind'], Readonly<Record<string, Check>>>> = {
  digest: { from: isTeller, position: isCount, digest: isText, counted: isFlag },
  ask: { position: isCount, recount: isFlag },
  pin: { position: isCount },
  sample: { from: isTeller, marks: areMarks },
  doubt: { entry: isEntryName },
  entry: { from: isTeller, entry: isEntryName, print: Number.isFinite },
  mend: { entries: areAll(isKeyOfCache), caches: areAll(isText), everywhere: isFlag },
}

/**
 * Whether it is one of the messages, with everything that belongs to it: whoever is told works with
 * it unseen.
 */
export function isAuditMessage(item: unknown): item is AuditMessage {
  if (!isFields(item) || typeof item.kind !== 'string' || !Object.hasOwn(fieldsOf, item.kind))
    return false
  const fields = fieldsOf[item.kind as AuditMessage['kind']]
  return Object.entries(fields).every(([name, holds]) => holds(item[name]))
}
