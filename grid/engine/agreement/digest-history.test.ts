import { expect, test } from 'vitest'
import { Digest } from '../../core/version.ts'
import { DigestHistory } from './digest-history.ts'

test('remembers the digest of each of the last positions, and what is pinned for longer', () => {
  const history = new DigestHistory()
  const digest = new Digest()
  const told: string[] = []
  history.begin(1000, digest)
  for (let position = 1001; position <= 150_000; position++) {
    digest.toggle(0, position, position)
    history.record(position, digest)
    if (position === 2000) history.pin(2000)
    told[position] = digest.toString()
  }
  for (const position of [150_000, 149_999, 150_000 - 65_535])
    expect(history.at(position)).toBe(told[position])
  expect(history.at(2000)).toBe(told[2000])
  for (const position of [999, 1000, 2001, 150_000 - 65_536, 150_001])
    expect(history.at(position)).toBeUndefined()
  history.begin(5, digest)
  expect(history.at(5)).toBe(digest.toString())
  for (const position of [4, 6, 2000, 150_000]) expect(history.at(position)).toBeUndefined()
})
