import { expect, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from '../../core/define.ts'
import { isSlowPattern, slowPatternNotice, slowPatterns } from './slow-patterns.ts'

test.each([
  '^(a+)+$',
  '^(a|a)*$',
  '^(\\w|\\d)*$',
  '^([a-z]+)*!$',
  '^x=(?:\\d+)+;$',
  '^(?:[^/]|\\w)*/$',
  '^[\\w.]+@(?:[\\w-]+\\.?)+$',
  '\\s+$',
  '^.*.*.*=$',
])('%s is slow', (pattern) => {
  expect(isSlowPattern(pattern)).toBe(true)
})

test.each([
  '^[^/\\u0000-\\u001f]{1,64}-[1-9][0-9]{0,5}-[1-9][0-9]{0,5}$',
  '^([a-z]+\\.)*[a-z]+$',
  '^(\\d{1,3}\\.){3}\\d{1,3}$',
  '^[\\w.+-]+@[\\w-]+\\.[a-z]{2,}$',
  '^\\p{L}+$',
  '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  '^(?:a|b|c)*$',
  '',
  '(',
])('%s is not', (pattern) => {
  expect(isSlowPattern(pattern)).toBe(false)
})

test('a field that is short enough may have any pattern', () => {
  expect(isSlowPattern('\\s+$', 100)).toBe(false)
  expect(isSlowPattern('^(a+)+$', 100)).toBe(true)
})

test('says where it stands: command, query or cache, field and pattern', () => {
  const slow = Type.String({ pattern: '^(a+)+$' })
  const fields = Type.Object({ id: Type.String(), lines: Type.Array(Type.Object({ code: slow })) })
  const space = defineSpace('shop', {
    caches: [defineCache('orders', { schema: fields, key: 'id' })],
    commands: [defineCommand('order', { input: fields, handler: () => {} })],
    queries: [
      defineQuery('find', {
        input: Type.Object({ by: Type.Union([Type.Integer(), slow]) }),
        handler: () => {},
      }),
    ],
  })
  const found = slowPatterns(space)
  expect(found).toEqual([
    { where: 'command order', path: 'lines.*.code', pattern: '^(a+)+$' },
    { where: 'query find', path: 'by', pattern: '^(a+)+$' },
    { where: 'cache orders', path: 'lines.*.code', pattern: '^(a+)+$' },
  ])
  for (const one of found) expect(slowPatternNotice(one)).toContain(`${one.where}: the pattern of`)
})
