import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, test } from 'vitest'
import type { PackedEntries, StoredChange, StoredEntry } from '../../engine/ports/store.ts'
import { decodeSnapshotChunk, encodeSnapshotChunk } from '../../engine/wire/snapshot-codec.ts'
import { anyEntries } from '../../engine/wire/test-support/any-entries.ts'
import { damagedBytes } from '../../engine/wire/test-support/odd-bytes.ts'
import { shareOf } from './cache-documents.ts'
import { DocumentPacker, decoded } from './document-packer.ts'
import {
  type EntryDocument,
  fromDocument,
  gridFields,
  type Share,
  storedField,
  toDocument,
} from './mongo-document.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const shares = [undefined, shareOf('space.3', 'items'), shareOf('space.3', '_holds')]
const anyShare = fc.constantFrom(...shares)

/** As the server gives it: the id comes first, whatever the fields are called. */
function bytesOf(document: object): Buffer {
  const { _id, ...fields } = document as EntryDocument
  const members = new Map<string, unknown>([['_id', _id], ...Object.entries(fields)])
  return Buffer.from(BSON.serialize(members, { ignoreUndefined: true }))
}

const stored = (entry: StoredEntry, share: Share | undefined): Buffer =>
  bytesOf(toDocument(entry, share))

/** What a copy gets of them; undefined: they have to be decoded. */
function passedOn(
  documents: readonly Uint8Array[],
  share?: Share,
): readonly StoredChange[] | undefined {
  const packer = new DocumentPacker('items', share, 16)
  for (const document of documents) if (!packer.add(document)) return undefined
  return copyOf([], packer.end())
}

/**
 * What it gets of them when they are decoded.
 * @throws whatever the driver does; GridError `record_damaged`
 */
const decodedAll = (documents: readonly Uint8Array[], share?: Share): readonly StoredChange[] =>
  copyOf(documents.map((it) => fromDocument('items', decoded(it) as EntryDocument, share)))

function copyOf(changes: readonly StoredChange[], packed?: PackedEntries) {
  const chunk = { shape: undefined, changes, packed, end: undefined }
  return decodeSnapshotChunk(encodeSnapshotChunk(chunk)).changes
}

/** BSON has no names with a zero in them, and no text with one may be an `_id` of the grid's. */
const isKept = ({ key, value }: StoredEntry): boolean =>
  !JSON.stringify([key, value]).includes('\\u0000')

const isRenamed = ({ value }: StoredEntry): boolean =>
  Object.keys(value).some((name) => storedField(name) !== name) ||
  JSON.stringify(value).includes('__proto_')

const kept = anyEntries.map((of) => of.filter(isKept)).filter((of) => of.length > 0)
const plain = kept
  .map((of) => of.filter((entry) => !isRenamed(entry)))
  .filter((of) => of.length > 0)

test('entries come out of it as they were stored', () => {
  fc.assert(
    fc.property(plain, anyShare, (of, share) => {
      const out = passedOn(
        of.map((entry) => stored(entry, share)),
        share,
      )
      expect(isDeepStrictEqual(out, of)).toBe(true)
    }),
    { numRuns },
  )
})

test('entries with names that are stored as others do not, or as well', () => {
  fc.assert(
    fc.property(kept, anyShare, (of, share) => {
      const documents = of.map((entry) => stored(entry, share))
      const out = passedOn(documents, share)
      if (out) expect(isDeepStrictEqual(out, decodedAll(documents, share))).toBe(true)
    }),
    { numRuns },
  )
})

test('entries of many fields, and of long texts, do too', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field ${i}`, i]))
  const long = { id: 'k', text: 'long '.repeat(20_000), umlauts: 'ü'.repeat(40_000) }
  const values = [many, long, { ...many, id: 'k' }, {}, long, { at: { ...many }, list: [many] }]
  const documents = values.map((value, i) =>
    stored({ cache: 'items', key: 'k', value, version: i, position: i }, undefined),
  )
  expect(passedOn(documents)).toStrictEqual(decodedAll(documents))
})

// docs/decisions/0017.
describe('what the grid has not written', () => {
  const entry = {
    cache: 'items',
    key: 'a',
    value: { id: 'a', n: 1, of: [1] },
    version: 1,
    position: 2,
  }
  const written = toDocument(entry)
  const bytes = kept.map(([entry]) => stored(entry as StoredEntry, undefined))
  const isLikeDecoded = (document: Uint8Array) => {
    const out = passedOn([document])
    if (out) expect(isDeepStrictEqual(out, decodedAll([document]))).toBe(true)
  }

  test('is not passed on, or just as it would be decoded, however it is damaged', () => {
    fc.assert(fc.property(damagedBytes(bytes), isLikeDecoded), { numRuns: 3 * numRuns })
  })

  // Most of it is stored rightly, hash and all: as others could, who write numbers in other ways.
  test('is not passed on, or just as it would be decoded, whatever it is', () => {
    const odd = fc.constantFrom<unknown>(
      ...[null, true, -0, Number.NaN, 2 ** 40, '', 'a', 'ü', [], {}, [[]], new Date(0)],
      ...[new BSON.Long(1), new BSON.Int32(7), new BSON.Double(7), new BSON.Double(-0)],
      ...[new BSON.Decimal128('1'), new BSON.ObjectId(), new BSON.MinKey(), /a/, undefined],
      ...[new BSON.Binary(Buffer.from('ab'), 2), new BSON.Binary(Buffer.from('abc'), 130)],
      ...[new BSON.Code('1'), new BSON.DBRef('a', new BSON.ObjectId()), new BSON.Timestamp(1n)],
      ...[
        { '~a': 1 },
        { $ref: 'a', $id: 1 },
        { __proto_: 1 },
        Object.fromEntries([['__proto__', 1]]),
      ],
    )
    const names = fc.constantFrom(
      'id',
      'n',
      '_id',
      '_grid',
      '~n',
      '$n',
      'hash',
      '__proto_',
      'constructor',
    )
    const inGrid = fc.constantFrom('position', 'version', 'hash', 'partition', 'archived', 'more')
    const change = fc.tuple(fc.boolean(), names, inGrid, odd)
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 2 }),
        fc.boolean(),
        (changes, hashed) => {
          const document: Record<string, unknown> = { ...written }
          for (const [isGrid, name, member, value] of changes)
            if (isGrid) document._grid = { ...(document._grid as object), [member]: value }
            else document[name] = value
          if (hashed) {
            const { _id, _grid, ...fields } = decoded(bytesOf(document))
            const value = fields as StoredEntry['value']
            document._grid = gridFields({ ...entry, value })
          }
          isLikeDecoded(bytesOf(document))
        },
      ),
      { numRuns: 3 * numRuns },
    )
  })

  test('is not passed on when something has changed it', () => {
    expect(passedOn([bytesOf(written)])).toEqual([entry])
    const { n: _, ...missing } = written
    const { hash: __, ...unhashed } = written._grid
    const changed: readonly object[] = [
      ...[{ ...written, n: 2 }, { ...written, of: [2] }, { ...written, n: '1' }, missing],
      ...[
        { ...written, _id: 'b' },
        { ...written, _id: 1 },
        { ...written, _grid: unhashed },
      ],
      ...[
        { n: 1, ...written },
        { ...written, more: null },
        { ...written, _grid: 1 },
      ],
      { ...written, _grid: { ...written._grid, position: 3 } },
      { ...written, _grid: { ...written._grid, more: 3 } },
    ]
    for (const one of changed) {
      const out = passedOn([bytesOf(one)])
      if (out) expect(out).toEqual(decodedAll([bytesOf(one)]))
    }
    const refused = changed.filter((one) => passedOn([bytesOf(one)]) === undefined)
    // Nothing but the order of the fields is another one.
    expect(changed.filter((one) => !refused.includes(one))).toEqual([{ n: 1, ...written }])
  })

  test('or is of another cache, another partition, or out of memory', () => {
    const [, ours, holds] = shares
    const other = shareOf('space.4', 'items')
    expect(passedOn([bytesOf(toDocument(entry, ours))], ours)).toEqual([entry])
    expect(passedOn([bytesOf(toDocument(entry, other))], ours)).toBeUndefined()
    expect(passedOn([bytesOf(written)], ours)).toBeUndefined()
    expect(passedOn([bytesOf(toDocument(entry, ours))], holds)).toBeUndefined()
    expect(passedOn([bytesOf(toDocument({ ...entry, cache: 'other' }))])).toBeUndefined()
    expect(passedOn([bytesOf(toDocument({ ...entry, archived: true }))])).toBeUndefined()
  })

  test('or has a name that the grid writes in another way', () => {
    const named = { ...entry, value: { id: 'a', _id: 1 } }
    const { '~_id': one, ...rest } = toDocument(named)
    const { _id, ...others } = rest
    const at = bytesOf({ ...others, _ID: one, _id })
    at.write('_id', at.indexOf('_ID'))
    expect(passedOn([at])).toBeUndefined()
  })
})
