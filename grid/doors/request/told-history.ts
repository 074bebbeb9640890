import { Type } from 'typebox'
import { historyChangesDefault, historyChangesMax } from '../../core/limits.ts'
import { type ReadableFields, readablePart } from '../../core/readable-part.ts'
import { checkFits, checkKey } from '../../core/validation.ts'
import type { HistoryAsked, HistoryPage, KeyChange } from './serving.ts'

/** Of which key, and which page. */
export interface HistoryOfKey extends HistoryAsked {
  readonly key: string
}

/** The same as JSON. */
export const historyInput = Type.Object(
  {
    key: Type.String({ description: 'Of the entry, whether it is there or not' }),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: historyChangesMax, default: historyChangesDefault }),
    ),
    cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
  },
  { additionalProperties: false },
)

/** @throws GridError `invalid_input`, `invalid_key` */
export function checkedHistoryOfKey(cache: string, input: unknown): HistoryOfKey {
  checkFits(historyInput, input, 'history')
  const asked = input as HistoryOfKey
  checkKey(asked.key, `cache ${cache}`)
  return asked
}

/** A page as callers get it. */
export const toldHistory = (
  { changes, next, since, position }: HistoryPage,
  fields: ReadableFields,
) => ({
  changes: changes.map((change) => toldChange(change, fields)),
  next: next ?? null,
  since,
  position,
})

/** Which unit has sent it, and under which idempotency key, is for operators. */
function toldChange(
  { position, time, change, from, to, transaction: version, command, due }: KeyChange,
  fields: ReadableFields,
): object {
  return {
    ...{ position, time, change },
    from: from ? readablePart(from, fields) : null,
    to: to ? readablePart(to, fields) : null,
    version,
    ...(command === undefined ? {} : { command }),
    ...(due ? { due } : {}),
  }
}
