import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, test } from 'vitest'
import type { StoredChange, StoredEntry } from '../../engine/ports/store.ts'
import { decodeSnapshotChunk, encodeSnapshotChunk } from '../../engine/wire/snapshot-codec.ts'
import { anyEntries } from '../../engine/wire/test-support/any-entries.ts'
import { damagedBytes, oddBytes } from '../../engine/wire/test-support/odd-bytes.ts'
import { shareOf } from './cache-documents.ts'
import { DocumentPacker, decoded } from './document-packer.ts'
import {
  type EntryDocument,
  fromDocument,
  type Share,
  storedField,
  toDocument,
} from './mongo-document.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const shares = [undefined, shareOf('space.3', 'items'), shareOf('space.3', '_holds')]
const anyShare = fc.constantFrom(...shares)

/** As the driver sends it. */
const bytesOf = (document: object): Buffer =>
  Buffer.from(BSON.serialize(document, { ignoreUndefined: true }))
const stored = (entry: StoredEntry, share: Share | undefined): Buffer =>
  bytesOf(toDocument(entry, share))

/** What a copy gets of them; undefined: they have to be decoded. */
function passedOn(
  documents: readonly Uint8Array[],
  share?: Share,
): readonly StoredChange[] | undefined {
  const packer = new DocumentPacker('items', share, 16)
  for (const document of documents) if (!packer.add(document)) return undefined
  const chunk = { shape: undefined, changes: [], packed: packer.end(), end: undefined }
  return decodeSnapshotChunk(encodeSnapshotChunk(chunk)).changes
}

/** @throws whatever the driver does; GridError `record_damaged` */
const decodedAll = (documents: readonly Uint8Array[], share?: Share): readonly StoredEntry[] =>
  documents.map((it) => fromDocument('items', decoded(it) as EntryDocument, share))

/** BSON has no names with a zero in them, and no text with one may be an `_id` of the grid's. */
const isKept = ({ key, value }: StoredEntry): boolean =>
  !JSON.stringify([key, value]).includes('\\u0000')

const isRenamed = ({ value }: StoredEntry): boolean =>
  Object.keys(value).some((name) => storedField(name) !== name) ||
  JSON.stringify(value).includes('__proto_')

const kept = anyEntries.map((of) => of.filter(isKept)).filter((of) => of.length > 0)

test('entries come out of it as they were stored', () => {
  fc.assert(
    fc.property(kept, anyShare, (of, share) => {
      const documents = of.map((entry) => stored(entry, share))
      const out = passedOn(documents, share)
      if (out === undefined) expect(of.some(isRenamed)).toBe(true)
      else expect(isDeepStrictEqual(out, decodedAll(documents, share))).toBe(true)
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
  const document = kept.map(([entry]) => stored(entry as StoredEntry, undefined))

  test('is not passed on, or just as it would be decoded, however it is damaged', () => {
    fc.assert(
      fc.property(fc.oneof(damagedBytes(document), oddBytes(document)), (bytes) => {
        const out = passedOn([bytes])
        if (out) expect(isDeepStrictEqual(out, decodedAll([bytes]))).toBe(true)
      }),
      { numRuns: 3 * numRuns },
    )
  })

  const entry = {
    cache: 'items',
    key: 'a',
    value: { id: 'a', n: 1, of: [1] },
    version: 1,
    position: 2,
  }
  const written = toDocument(entry)

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
