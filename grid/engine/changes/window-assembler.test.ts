import { expect, test } from 'vitest'
import { encodeWindow } from '../wire/window-codec.ts'
import { changeAt, windowOf } from './test-support/window-author.ts'
import { WindowAssembler } from './window-assembler.ts'

/** The records of a window in four parts. */
async function recordsOf(pump: number, number: number): Promise<Uint8Array[]> {
  const changes = Array.from({ length: 30 }, (_, at) => changeAt(9, `key ${at}`))
  const window = windowOf(5, 9, changes)
  const records = await encodeWindow(window, { pump, number }, 500, () => undefined)
  expect(records.length).toBeGreaterThanOrEqual(3)
  return records
}

function assembled(records: readonly (Uint8Array | undefined)[]): number[] {
  const assembler = new WindowAssembler()
  return records.flatMap((data, at) => {
    const window = data && assembler.add(at + 1, data)
    return window ? [window.first, window.last] : []
  })
}

test('the parts of one window, one behind the other, make it whole', async () => {
  const records = await recordsOf(1, 1)
  expect(assembled(records)).toEqual([1, records.length])
  expect(assembled([...records, ...(await recordsOf(1, 2))])).toHaveLength(4)
})

test('parts of different windows never make one', async () => {
  const one = await recordsOf(1, 1)
  for (const other of [await recordsOf(2, 1), await recordsOf(1, 2)])
    for (let cut = 1; cut < one.length; cut++) {
      expect(assembled([...one.slice(0, cut), ...other.slice(cut)])).toEqual([])
      // Begun anew: only the later one is whole.
      expect(assembled([...one.slice(0, cut), ...other])).toEqual([cut + 1, cut + other.length])
    }
})

test('a window whose beginning or middle is missing is not one', async () => {
  const records = await recordsOf(1, 1)
  expect(assembled(records.slice(1))).toEqual([])
  expect(assembled([records[0], undefined, ...records.slice(2)])).toEqual([])
  expect(assembled([records[0], undefined, ...records.slice(1)])).toEqual([])
})
