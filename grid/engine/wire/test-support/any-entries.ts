import { dataFault, takeData } from '@spacegrid/grid/core/data'
import fc from 'fast-check'
import type { StoredEntry } from '../../ports/store.ts'

/** Texts that MessagePack writes in different ways. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'x'.repeat(31), 'x'.repeat(32), 'ü'.repeat(20), 'x'.repeat(300)),
)
const name = fc.oneof(
  fc.constantFrom('id', 'n', 'other', '__proto__', '__proto_', 'constructor', '', 'x'.repeat(40)),
  anyText,
)
const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, 127, 128, -1, -33, 65535, 65536, 2 ** 32, 2 ** 53 - 1, 0.5),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  anyText,
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float32Array(),
)
const { member } = fc.letrec<{ member: unknown }>((tie) => ({
  member: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('member'), { maxLength: 3 }),
    fc
      .array(fc.tuple(name, tie('member')), { maxLength: 3 })
      .map((members) => Object.fromEntries(members)),
  ),
}))
const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat())
/**
 * Entries of one cache with values of every kind that can be kept; their keys stand among the
 * fields, or do not.
 */
export const anyEntries: fc.Arbitrary<readonly StoredEntry[]> = fc
  .array(
    fc.record({
      key: anyText,
      field: name,
      members: fc.array(fc.tuple(name, member), { maxLength: 6 }),
      withKey: fc.boolean(),
      version: count,
      position: count,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((items) =>
    items.flatMap(({ key, field, members, withKey, version, position }) => {
      const all = withKey ? [...members, [field, key] as const] : members
      const value = Object.fromEntries(all)
      const isKept = !dataFault(value) && !dataFault(key)
      return isKept ? { cache: 'items', key, value: takeData(value), version, position } : []
    }),
  )
  .filter((kept) => kept.length > 0)
