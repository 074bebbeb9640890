import { isGridError } from '@spacegrid/grid/core/errors'
import { noPause } from '@spacegrid/grid/engine/wire/test-support/any-messages'
import { damagedBytes, oddBytes } from '@spacegrid/grid/engine/wire/test-support/odd-bytes'
import { decodeWindow, decodeWindowPart } from '@spacegrid/grid/engine/wire/window-codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decoders, windowParts } from './decoders.ts'
import { oddTexts } from './odd-texts.ts'
import { textReaders } from './texts.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 1000)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const isTold = (error: unknown): boolean =>
  isGridError(error, 'record_damaged') || isGridError(error, 'format_unsupported')

/** A part of a window whose contents are not what they should be, under a right checksum. */
const windowInside = windowParts.chain((record) => {
  const part = decodeWindowPart(record)
  const inside = fc.constant(part.bytes)
  return fc.oneof(damagedBytes(inside), oddBytes(inside)).map((bytes) => ({ ...part, bytes }))
})

/** undefined: nothing that is read, or what is refused by a code. */
function readOf(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return decode(bytes) ?? undefined
  } catch (error) {
    if (isTold(error)) return undefined
    throw error
  }
}

describe(`bytes that are not what they should be: seed ${seed}`, () => {
  test.each(decoders)('$of reads them, or refuses them by a code', ({ valid, decode }) => {
    fc.assert(
      fc.property(oddBytes(valid), (bytes) => void readOf(decode, bytes)),
      { numRuns, seed },
    )
  })

  test.each(decoders.filter(({ encode }) => encode))(
    '$of has read what it would read again, or nothing',
    ({ valid, decode, encode }) => {
      fc.assert(
        fc.property(fc.oneof(valid, oddBytes(valid)), (bytes) => {
          const read = readOf(decode, bytes)
          if (read === undefined) return
          expect(decode((encode as (read: unknown) => Uint8Array)(read))).toEqual(read)
        }),
        { numRuns, seed },
      )
    },
  )

  test.each(decoders.filter(({ unsealed }) => !unsealed))(
    '$of finds out when anything has damaged them',
    ({ valid, decode }) => {
      fc.assert(
        fc.property(damagedBytes(valid), (bytes) => {
          // One in four thousand million is found whole by chance.
          expect(readOf(decode, bytes)).toBeUndefined()
        }),
        { numRuns: numRuns / 5, seed },
      )
    },
  )

  test('wire/window-codec decodeWindow reads what is inside a window, or refuses it by a code', () =>
    fc.assert(
      fc.asyncProperty(windowInside, async (part) => {
        try {
          await decodeWindow([part], noPause)
        } catch (error) {
          if (!isTold(error)) throw error
        }
      }),
      { numRuns, seed },
    ))
})

describe(`texts that are not what they should be: seed ${seed}`, () => {
  test.each(textReaders)('$of reads them, or refuses them by a code', ({ valid, read, codes }) => {
    fc.assert(
      fc.property(oddTexts(valid), (text) => {
        try {
          read(text)
        } catch (error) {
          if (!isGridError(error) || !codes.includes(error.code)) throw error
        }
      }),
      { numRuns, seed },
    )
  })

  test.each(textReaders)('$of reads what it is made for', ({ valid, read }) => {
    fc.assert(
      fc.property(valid, (text) => {
        expect(read(text)).toBeDefined()
      }),
      { numRuns: numRuns / 10, seed },
    )
  })

  test.each(textReaders.filter(({ of }) => of.includes('LinePasses')))(
    '$of takes none that was not signed',
    ({ valid, read }) => {
      fc.assert(
        fc.property(valid, oddTexts(valid), (signed, text) => {
          fc.pre(text !== signed)
          expect(read(text)).toBeUndefined()
        }),
        { numRuns, seed },
      )
    },
  )
})
