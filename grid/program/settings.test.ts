import { execFile } from 'node:child_process'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { GridError } from '../core/errors.ts'
import { readSettings, type Variables } from './settings.ts'

const schema = Type.Object({
  LEASE_MS: Type.Integer({
    minimum: 1,
    default: 1000,
    description: 'How long a lease lasts',
    allowed: 'an integer from 1 (ms)',
  }),
  TAX_RATE: Type.Number({ minimum: 0, maximum: 1, description: 'Share', allowed: 'from 0 to 1' }),
  DRY_RUN: Type.Boolean({ default: false, description: 'No payment', allowed: 'true or false' }),
  SHOP_NAME: Type.Optional(
    Type.String({ pattern: '^\\w+$', description: 'Shown', allowed: 'a word' }),
  ),
})
const read = (variables: Variables) => readSettings(schema, variables, () => undefined)

describe('readSettings', () => {
  test('takes defaults for what is not set, and leaves out what is optional', () => {
    expect(read({ TAX_RATE: '0.19', SHOP_NAME: '' })).toEqual({
      LEASE_MS: 1000,
      TAX_RATE: 0.19,
      DRY_RUN: false,
    })
  })

  test('reads integers, numbers, booleans and texts', () => {
    const set = { LEASE_MS: ' 5 ', TAX_RATE: '1', DRY_RUN: 'true', SHOP_NAME: 'corner' }
    const values = { LEASE_MS: 5, TAX_RATE: 1, DRY_RUN: true, SHOP_NAME: 'corner' }
    expect(read(set)).toEqual(values)
  })

  test.each([
    ['LEASE_MS', '0'],
    ['LEASE_MS', '1e3'],
    ['TAX_RATE', '2'],
    ['TAX_RATE', '.'],
    ['DRY_RUN', 'yes'],
    ['SHOP_NAME', 'a b'],
  ])('refuses %s=%s in one line', (name, value) => {
    const set = () => read({ TAX_RATE: '0', [name]: value })
    expect(set).toThrow(GridError)
    expect(set).toThrow(new RegExp(`^${name}=${JSON.stringify(value)}: allowed is [^\\n]+$`))
  })

  test('misses what has no default, beside what is wrong', () => {
    expect(() => read({ DRY_RUN: '1' })).toThrow(
      'TAX_RATE is not set: allowed is from 0 to 1; DRY_RUN="1": allowed is true or false',
    )
  })

  test('warns of a variable that is near to one of them, not of the library’s own', () => {
    const lines: string[] = []
    const set = { TAX_RATE: '0', LEASES_MS: '1', LOG_LEVEL: 'info', PATH: '/bin' }
    readSettings(schema, set, (line) => lines.push(line))
    expect(lines).toEqual(['LEASES_MS is set, which nothing reads: is LEASE_MS meant?'])
  })

  test.each([
    ['the library’s own name', { PORT: Type.Integer({ description: '', allowed: 'any' }) }],
    ['a name that is none', { lease: Type.Integer({ description: '', allowed: 'any' }) }],
    ['no words for what is allowed', { LEASE: Type.Integer() }],
  ])('is a mistake of the application: %s', (_, properties) => {
    expect(() => readSettings(Type.Object({ ...properties }), {})).toThrow(TypeError)
  })
})

test('a program of an application ends at once with code 2 and one line', async () => {
  const url = (file: string) => new URL(file, import.meta.url).href
  const main = `import { Type } from '${import.meta.resolve('typebox')}'
    import { readSettings } from '${url('./settings.ts')}'
    import { runProgram } from '${url('./run-program.ts')}'
    const LEASE = Type.Integer({ minimum: 1, description: 'x', allowed: 'an integer from 1' })
    await runProgram(() => void readSettings(Type.Object({ LEASE })))
    console.log('started')`
  const run = (LEASE: string) =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, LEASE } }
      const words = ['--input-type=module', '--eval', main]
      execFile(process.execPath, words, options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
  const line = 'LEASE="0": allowed is an integer from 1\n'
  expect(await run('0')).toEqual({ code: 2, stdout: '', stderr: line })
  expect(await run('1')).toEqual({ code: 0, stdout: 'started\n', stderr: '' })
})
