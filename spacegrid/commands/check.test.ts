import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { beforeAll, describe, expect, test } from 'vitest'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
const define = "import { defineCache, defineSpace, Type } from 'spacegrid'\n"
const space = (name: string) => `defineSpace('${name}', { caches: [] })`

/** Modules as people write them, by name. */
const modules = {
  'one.ts': `${define}export default ${space('one')}`,
  'two.ts': `${define}export const two = ${space('two')}\nexport const three = ${space('three')}`,
  'again.ts': `${define}export default ${space('one')}`,
  'nothing.ts': 'export const limit = 1',
  'enum.ts': 'const a = 1\nenum Kind { a }',
  'syntax.ts': 'export default (',
  'extension.ts': "import './one'",
  'package.ts': "import 'no-such-package'",
  'name.ts': "import { four } from './two.ts'\nexport default four",
  'throws.ts': "\n\nthrow new Error('bad weather')",
  'definition.ts': `${define}
const id = Type.Object({ id: Type.String() })
export default defineSpace('wrong', {
  caches: [
    defineCache('items', { schema: id, key: 'name' }),
  ],
})`,
} as const

let folder: string

beforeAll(async () => {
  folder = await temporaryFolder('check')
  await symlink(packages, join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text)
})

const check = (...words: string[]) => spacegridCommand(['check', ...words], { folder })

test('what spaces hold is said, of several files', async () => {
  expect(await check('one.ts', 'two.ts', '--json')).toEqual({
    code: 0,
    output: expect.stringMatching(/"one".*"three".*"two"/s),
    errors: '',
  })
})

describe('what cannot be used is told in one line, and where it is', () => {
  test.each([
    ['enum.ts', 1, /enum.ts cannot be used: .*enum.* \(enum\.ts:2\): Node\.js takes types away/],
    ['syntax.ts', 1, /syntax\.ts cannot be used: .* \(syntax\.ts:1\)/],
    ['extension.ts', 1, /an import names a file with its extension/],
    ['package.ts', 1, /'no-such-package'.*: npm install it/],
    ['name.ts', 1, /does not provide an export named 'four' \(name\.ts:1\)/],
    ['throws.ts', 1, /throws\.ts cannot be used: bad weather \(throws\.ts:3\)/],
    ['definition.ts', 1, /cache items: the schema has no field name \(definition\.ts:6\)/],
    ['nothing.ts', 2, /exports no space \(it exports limit\)/],
    ['one.ts again.ts', 2, /one\.ts and again\.ts have two spaces that are called one/],
    ['not-there.ts', 2, /There is no file not-there\.ts/],
    ['node_modules', 2, /node_modules is a folder/],
    ['', 2, /Name the file that exports your space, such as \.\/space\.ts/],
    ['--fast', 2, /error: unknown option '--fast'/],
  ])('%s', async (words, code, line) => {
    const outcome = await check(...words.split(' ').filter(Boolean))
    expect(outcome.errors).toMatch(new RegExp(`^[^\\n]*${line.source}[^\\n]*\\n$`))
    expect({ ...outcome, errors: '' }).toEqual({ code, output: '', errors: '' })
  })
})
