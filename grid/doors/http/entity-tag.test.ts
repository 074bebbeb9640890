import { describe, expect, test } from 'vitest'
import { noneMatchNames, ResultTags, versionTag } from './entity-tag.ts'

describe('ResultTags', () => {
  test('gives one result one tag, whoever asks and whatever was asked in between', () => {
    const tags = new ResultTags()
    const tag = tags.tagOf('{"free":1}')
    expect(tag).toMatch(/^W\/"[\w-]{22}"$/)
    expect(tags.tagOf('{"free":2}')).not.toBe(tag)
    expect(tags.tagOf('{"free":1}')).toBe(tag)
    expect(new ResultTags().tagOf('{"free":1}')).toBe(tag)
  })
})

describe('noneMatchNames', () => {
  const tag = versionTag(42)

  test.each([
    ['"42"', true],
    ['W/"42"', true],
    ['"41", W/"42"', true],
    ['"4,1","42"', true],
    [' * ', true],
    ['"4"', false],
    ['42', false],
    ['"43"', false],
    ['', false],
    [undefined, false],
  ])('%s', (header, expected) => {
    expect(noneMatchNames(header, tag)).toBe(expected)
  })

  test('compares weak tags with weak tags', () => {
    const weak = new ResultTags().tagOf('1')
    expect(noneMatchNames(weak, weak)).toBe(true)
    expect(noneMatchNames(weak.slice(2), weak)).toBe(true)
  })
})
