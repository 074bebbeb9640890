import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'
import { changesBytes, logBytes, pastBytes } from './stream-bytes.ts'

const mib = 1024 * 1024

const sizesOf = (variables: Readonly<Record<string, string>>) => {
  const environment = readEnvironment([], variables)
  return [logBytes(environment), changesBytes(environment), pastBytes(environment)]
}

test('logs and change queues have one size, or each its own', () => {
  const variable = 'STREAM_BYTES_MAX'
  expect(sizesOf({ STREAM_BYTES_MAX: `${8 * mib}` })).toEqual([
    { bytesMax: 8 * mib, variable },
    { bytesMax: 8 * mib, variable },
    { bytesMax: 4 * mib, variable },
  ])
  expect(sizesOf({ LOG_BYTES_MAX: `${6 * mib}`, CHANGES_BYTES_MAX: `${2 * mib}` })).toEqual([
    { bytesMax: 6 * mib, variable: 'LOG_BYTES_MAX' },
    { bytesMax: 2 * mib, variable: 'CHANGES_BYTES_MAX' },
    { bytesMax: 3 * mib, variable: 'LOG_BYTES_MAX' },
  ])
  const past = { LOG_BYTES_MAX: `${8 * mib}`, PAST_BYTES_MAX: `${2 * mib}` }
  expect(sizesOf(past)[2]).toEqual({ bytesMax: 2 * mib, variable: 'PAST_BYTES_MAX' })
})
