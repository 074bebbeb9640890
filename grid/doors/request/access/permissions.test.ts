import { grants, isPermissionPattern, isRoleName } from '@spacegrid/grid/core/access'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holds, Permissions } from './permissions.ts'
import { vault } from './test-support/guarded-vault.ts'

const caller = (...roles: readonly string[]) => ({
  ...{ name: 'somebody', kind: 'key' as const, roles, claims: {} },
})

describe('a pattern', () => {
  test.each([
    ['*', 'a:command:b', true],
    ['a', 'a:command:b', true],
    ['a:*', 'a:command:b', true],
    ['a:command', 'a:command:b', true],
    ['a:command:*', 'a:command:b', true],
    ['*:command:b', 'a:command:b', true],
    ['a:command:b', 'a:command:b', true],
    ['a:query:*', 'a:command:b', false],
    ['a:command:bb', 'a:command:b', false],
    ['a:command:b', 'a:command:bb', false],
    ['aa', 'a:command:b', false],
    ['a:query:rows', 'a:query:rows.row', false],
  ])('%s for %s: %s', (pattern, permission, is) => {
    expect(grants(pattern, permission)).toBe(is)
  })

  test.each(['', ':', 'a:', 'a::b', 'a:b:c:d', 'a b', '**', 'a*', 'a:command:b*', '-a', ' a'])(
    '%s is none',
    (text) => {
      expect(isPermissionPattern(text)).toBe(false)
    },
  )

  test('grants nothing of another space', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/)
    fc.assert(
      fc.property(name, name, name, name, (space, other, kind, of) => {
        fc.pre(space !== other)
        for (const pattern of [space, `${space}:*`, `${space}:${kind}`, `${space}:${kind}:${of}`])
          expect(grants(pattern, `${other}:${kind}:${of}`)).toBe(false)
      }),
    )
  })
})

test.each(['public', 'identified', '', 'a b', 'a,b', '-a', '*'])('%s is no role', (name) => {
  expect(isRoleName(name)).toBe(false)
})

describe('who may what', () => {
  test('is what is declared, and nothing else', () => {
    const permissions = new Permissions([vault])
    const may = (permission: string, roles?: readonly string[]) =>
      holds(permissions.holders(permission), roles && caller(...roles))
    expect(may('vault:command:put', ['curator'])).toBe(true)
    expect(may('vault:command:put', ['director'])).toBe(false)
    expect(may('vault:command:put', [])).toBe(false)
    expect(may('vault:command:put')).toBe(false)
    expect(may('vault:command:ring')).toBe(true)
    expect(may('vault:command:greet')).toBe(false)
    expect(may('vault:command:greet', [])).toBe(true)
    expect(may('vault:query:gemsByWhat.rows', ['curator'])).toBe(true)
    expect(may('vault:changes:gems', ['curator'])).toBe(true)
    expect(may('vault:events:*', ['curator'])).toBe(true)
    for (const nothing of [
      ...['vault:command:burn', 'vault:command:none', 'vault:admin:correct', 'bank:command:put'],
      ...['', 'vault', 'vault:command', 'vault:nothing:put', 'grid:docs:read', 'vault:cache:none'],
    ])
      expect(may(nothing, ['curator']), nothing).toBe(false)
  })

  test('is what configuration says of the roles that it names', () => {
    const permissions = new Permissions(
      [vault],
      new Map([
        ['curator', ['vault:query:*']],
        ['auditor', ['*:past:*']],
        ['public', []],
      ]),
    )
    const may = (permission: string, role: string) =>
      holds(permissions.holders(permission), caller(role))
    expect(may('vault:query:secrets', 'curator')).toBe(true)
    expect(may('vault:command:put', 'curator')).toBe(false)
    expect(may('vault:past:gems', 'auditor')).toBe(true)
    expect(may('vault:admin:correct', 'director')).toBe(true)
    expect(may('vault:command:ring', 'auditor')).toBe(false)
    expect(may('vault:command:greet', 'auditor')).toBe(true)
  })
})
