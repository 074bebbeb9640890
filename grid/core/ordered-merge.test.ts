import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareScalars } from './index-order.ts'
import { mergeOrdered, UnusableCursor } from './ordered-merge.ts'

interface Row {
  readonly at: number
  readonly name: string
  /** Unique: tells items apart that are equal in the order. */
  readonly id: number
}

/** Few values, so that many are equal. */
const lists = fc
  .array(fc.array(fc.record({ at: fc.nat({ max: 4 }), name: fc.constantFrom('a', 'b') })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((all) => {
    let id = 0
    return all.map((list) => list.map((row): Row => ({ ...row, id: id++ })))
  })

const ordered = (by: readonly ('at' | 'name')[], reverse: boolean) => (a: Row, b: Row) => {
  for (const field of by) {
    const order = compareScalars(a[field], b[field])
    if (order !== 0) return reverse ? -order : order
  }
  return 0
}

const orders = fc.constantFrom<readonly ['at' | 'name', ...('at' | 'name')[]]>(
  ['at'],
  ['at', 'name'],
  ['name', 'at'],
)

/** What a handler answers, as a range from an inclusive bound with a limit does. */
function read(
  list: readonly Row[],
  field: 'at' | 'name',
  reverse: boolean,
  { from, limit }: { readonly from: unknown; readonly limit: number },
): readonly Row[] {
  const isThere = (row: Row) =>
    from === undefined || (reverse ? -1 : 1) * compareScalars(row[field], from) >= 0
  return list.filter(isThere).slice(0, limit)
}

describe('an ordered merge', () => {
  test('gives page by page what sorting everything gives, ties and all', () => {
    fc.assert(
      fc.property(
        lists,
        orders,
        fc.boolean(),
        fc.integer({ min: 1, max: 7 }),
        fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
        (unordered, by, reverse, limitMax, limit) => {
          const compare = ordered(by, reverse)
          const partitions = unordered.map((list) => list.toSorted(compare))
          // Stable: of what is equal that of the lower partition comes first.
          const expected = partitions.flat().toSorted(compare)
          const merge = mergeOrdered({ by, reverse, limit: limitMax, list: 'rows' })
          const size = Math.min(limit ?? limitMax, limitMax)
          const seen: Row[] = []
          let cursor: string | undefined
          do {
            const input = {
              ...(limit === undefined ? {} : { limit }),
              ...(cursor === undefined ? {} : { cursor }),
            }
            const range = merge.page(input)
            const results = partitions.map((list) => read(list, by[0], reverse, range))
            const { rows, next } = merge(results, input)
            expect(rows.length).toBe(Math.min(size, expected.length - seen.length))
            // Whoever reads more than it needs gets the same.
            expect(merge(partitions, input)).toEqual({ rows, ...(next ? { next } : {}) })
            seen.push(...rows)
            cursor = next
          } while (cursor !== undefined && seen.length <= expected.length)
          expect(seen).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('ends with the last item, without a page that is empty', () => {
    const merge = mergeOrdered({ by: ['at'], limit: 2, list: 'rows' })
    const rows = [{ at: 1 }, { at: 2 }]
    expect(merge([rows, []], {})).toEqual({ rows })
    expect(merge([[], []], {})).toEqual({ rows: [] })
  })

  test.each(['', 'x', 'bnVsbA', Buffer.from('[1,{"0":-1}]').toString('base64url')])(
    'says of %j that it is no cursor',
    (cursor) => {
      const merge = mergeOrdered({ by: ['at'], limit: 2, list: 'rows' })
      for (const use of [() => merge.page({ cursor }), () => merge([[]], { cursor })]) {
        expect(use).toThrow(UnusableCursor)
        expect(use).toThrow('cursor is none that a page has given')
      }
    },
  )

  test('never throws anything else, whatever the cursor is', () => {
    const merge = mergeOrdered({ by: ['at'], limit: 2, list: 'rows' })
    const cursors = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    )
    fc.assert(
      fc.property(cursors, (cursor) => {
        try {
          merge([[{ at: 1 }]], { cursor })
        } catch (error) {
          expect(error).toBeInstanceOf(UnusableCursor)
        }
      }),
    )
  })

  test.each<[object, string]>([
    [{ by: [] }, 'by must name the fields'],
    [{ limit: 0 }, 'limit must be a whole number from 1'],
    [{ list: 'next' }, 'list must be the name of a field, other than next'],
  ])('is refused with %j', (wrong, message) => {
    const options = { by: ['at'] as const, limit: 2, list: 'rows', ...wrong }
    expect(() => mergeOrdered(options as Parameters<typeof mergeOrdered>[0])).toThrow(message)
  })
})
