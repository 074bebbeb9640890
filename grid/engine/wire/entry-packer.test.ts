import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashString, PrefixHash } from '../../core/hash.ts'
import type { StoredChange, StoredEntry } from '../ports/store.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { EntryPacker } from './entry-packer.ts'
import { messagePack } from './message-pack.ts'
import { seal } from './seal.ts'
import { decodeSnapshotChunk, encodeSnapshotChunk } from './snapshot-codec.ts'
import { anyEntries, anyText as text } from './test-support/any-entries.ts'
import { damagedBytes, oddBytes } from './test-support/odd-bytes.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

type Stored = readonly (readonly [key: Buffer, record: Buffer])[]

const storedOf = (of: readonly StoredEntry[]): Stored =>
  of.map((entry) => [Buffer.from(entry.key), encodeEntry(entry)])

/** What a copy gets of it; undefined: it has to be decoded. */
function passedOn(stored: Stored): readonly StoredChange[] | undefined {
  const packer = new EntryPacker('items', 16)
  for (const [key, record] of stored) if (!packer.add(key, record)) return undefined
  const chunk = { shape: undefined, changes: [], packed: packer.end(), end: undefined }
  return decodeSnapshotChunk(encodeSnapshotChunk(chunk)).changes
}

const decoded = (stored: Stored): readonly StoredEntry[] =>
  stored.map(([key, record]) => decodeEntry('items', key.toString('utf8'), record))

const isEscaped = (record: Buffer): boolean => record.includes('__proto_')

test('entries come out of it as they were stored', () => {
  fc.assert(
    fc.property(anyEntries, (of) => {
      const stored = storedOf(of)
      const out = passedOn(stored)
      if (out === undefined) expect(stored.some(([, record]) => isEscaped(record))).toBe(true)
      else expect(isDeepStrictEqual(out, decoded(stored))).toBe(true)
    }),
    { numRuns },
  )
})

test('entries of many fields, and of long texts, do too', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field ${i}`, i]))
  const long = { id: 'k', text: 'long '.repeat(20_000), umlauts: 'ü'.repeat(40_000) }
  const values = [many, long, { ...many, id: 'k' }, {}, long, { at: { ...many }, list: [many] }]
  const stored = storedOf(
    values.map((value, i) => ({ cache: 'items', key: 'k', value, version: i, position: i })),
  )
  expect(passedOn(stored)).toStrictEqual(decoded(stored))
})

// docs/decisions/0017.
describe('what the grid has not written', () => {
  const record = anyEntries.map(([entry]) => encodeEntry(entry as StoredEntry))

  test('is not passed on when anything has damaged it', () => {
    fc.assert(
      fc.property(anyEntries, damagedBytes(record), (of, bytes) => {
        const key = Buffer.from(of[0]?.key ?? '')
        expect(passedOn([...storedOf(of), [key, Buffer.from(bytes)]])).toBeUndefined()
      }),
      { numRuns },
    )
  })

  test('is not passed on, or just as it would be decoded, whatever it is', () => {
    fc.assert(
      fc.property(anyEntries, oddBytes(record), ([entry], bytes) => {
        const stored: Stored = [[Buffer.from((entry as StoredEntry).key), Buffer.from(bytes)]]
        const out = passedOn(stored)
        if (out) expect(isDeepStrictEqual(out, decoded(stored))).toBe(true)
      }),
      { numRuns },
    )
  })

  test('is not passed on under the key of another entry, or from another cache', () => {
    const entry = { cache: 'items', key: 'a', value: { id: 'a' }, version: 1, position: 2 }
    expect(passedOn([[Buffer.from('a'), encodeEntry(entry)]])).toEqual([entry])
    expect(passedOn([[Buffer.from('b'), encodeEntry(entry)]])).toBeUndefined()
    const other = encodeEntry({ ...entry, cache: 'other' })
    expect(passedOn([[Buffer.from('a'), other]])).toBeUndefined()
  })

  test('or not lately: without a seal, in another format, out of memory', () => {
    const entry = { cache: 'items', key: 'a', value: { id: 'a' }, version: 1, position: 2 }
    const key = Buffer.from('a')
    const { value, version, position } = entry
    const body = messagePack.pack({ value, version, position })
    for (const record of [body, seal(1, body), seal(2, body)])
      expect(passedOn([[key, record]])).toBeUndefined()
    expect(passedOn([[key, encodeEntry({ ...entry, archived: true })]])).toBeUndefined()
  })
})

test('texts that begin alike hash as they do one by one', () => {
  fc.assert(
    fc.property(text, text, (prefix, end) => {
      expect(new PrefixHash(prefix).of(Buffer.from(end))).toBe(hashString(prefix + end))
    }),
  )
})
