import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { expect, test } from 'vitest'
import { recordData, recordText } from './record-text.ts'

const link = { origin: 3, id: 2, previous: 1, deadline: 90 }
const nothing = { reads: [], ranges: [], steps: [], events: [], notBefore: 0 }

const recordOf = (frame: Frame) => ({ position: 7, time: 0, data: encodeFrame(frame) })

test('a frame is told with the commands that it holds', () => {
  const transactions = ['put', 'take', undefined, 'put'].map((command, number) => ({
    ...nothing,
    ...{ number, command },
  }))
  const record = recordOf({ kind: FrameKind.transactions, ...link, transactions, parts: 0 })
  expect(recordData(record)).toMatchObject({
    position: '7',
    place: 'frame 2 of origin 3, after 1, to land by 90',
    holds: '4 transactions',
    commands: 'put 2, take 1',
  })
  expect(recordText(record)).toContain('commands     put 2, take 1\n')
  // An earlier version has named none.
  const unnamed = {
    kind: FrameKind.transactions,
    ...link,
    transactions: [{ ...nothing, number: 1 }],
  }
  expect(recordData(recordOf({ ...unnamed, parts: 0 }))).not.toHaveProperty('commands')
})

test('what is no frame is told as such', () => {
  const record = { position: 9, time: 0, data: Buffer.from('nothing of ours') }
  expect(recordData(record)).toMatchObject({ is: 'no frame of any version' })
})
