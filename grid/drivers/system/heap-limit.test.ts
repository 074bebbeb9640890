import { expect, test } from 'vitest'
import { heapBytesMax } from './heap-limit.ts'

const mebibyte = 1024 * 1024

test.each([
  [256, ['--max-old-space-size=64'], 64],
  [256, ['--max_old_space_size', '64'], 64],
  [256, ['--max-old-space-size=32', '--max-old-space-size=64'], 64],
  [144, ['--max-old-space-size=96', '--max-semi-space-size=16'], 96],
  [4144, ['--max-semi-space-size=16'], 4096],
  [4288, [], 4096],
  [4288, ['--max-old-space-size=0', '--import=x'], 4096],
  // A limit set in a way that is not known: cautious, and never nothing.
  [200, [], 50],
])('a heap of %i MiB with %j lets %i MiB live', (limit, options, expected) => {
  expect(heapBytesMax(limit * mebibyte, options)).toBe(expected * mebibyte)
})
