import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { initialShape } from '@spacegrid/grid/core/shape'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { messagePack } from '@spacegrid/grid/engine/wire/message-pack'
import { expect, test } from 'vitest'
import { TimeCheck } from './time-check.ts'

const hourMs = 3_600_000
const shape = initialShape

/** Of a log whose clock is an hour ahead, and whose time has followed it. */
function problemsOf(frame: Frame, data: Uint8Array): number {
  const problems: string[] = []
  const check = new TimeCheck(
    () => hourMs,
    (problem) => problems.push(problem),
  )
  check.logged(frame, { time: 2 * hourMs, data }, 2 * hourMs)
  return problems.length
}

test('the log’s clock alone is no excuse, two clocks and the old format are', () => {
  const bare: Frame = { kind: FrameKind.shape, shape }
  expect(problemsOf(bare, encodeFrame(bare))).toBe(1)
  const right: Frame = { ...bare, at: hourMs }
  expect(problemsOf(right, encodeFrame(right))).toBe(1)
  const wrong: Frame = { ...bare, at: 2 * hourMs }
  expect(problemsOf(wrong, encodeFrame(wrong))).toBe(0)
  expect(problemsOf(bare, messagePack.pack([2, FrameKind.shape, shape]))).toBe(0)
})
