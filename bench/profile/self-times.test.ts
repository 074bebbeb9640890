import { expect, test } from 'vitest'
import { selfTimes } from './self-times.ts'

test('times of a function are added up wherever it was called from; being idle is none of them', () => {
  const frame = (functionName: string, url: string, lineNumber: number) => ({
    functionName,
    url,
    lineNumber,
  })
  const put = frame('put', 'file:///somewhere/else/grid/src/space/cache-state.ts', 9)
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '', -1) },
      { id: 2, callFrame: put },
      { id: 3, callFrame: put },
      { id: 4, callFrame: frame('', '', -1) },
    ],
    samples: [2, 1, 3, 4, 2],
    timeDeltas: [1000, 5000, 2000, 500, 4000],
  }
  expect(selfTimes(profile)).toEqual({
    totalMs: 12.5,
    idleMs: 5,
    functions: [
      { name: 'put, src/space/cache-state.ts:10', ms: 7 },
      { name: '(anonymous)', ms: 0.5 },
    ],
  })
})
