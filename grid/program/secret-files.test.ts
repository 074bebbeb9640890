import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'
import { withSecretsOfFiles } from './secret-files.ts'

test('a secret is read from its file, or said directly, and not both', async () => {
  const file = join(await temporaryFolder('secrets'), 'token')
  writeFileSync(file, 'sixteen characters\n')
  const read = (variables: Record<string, string>) => withSecretsOfFiles(variables, ['A'])
  expect(read({ A_FILE: file })).toMatchObject({ A: 'sixteen characters' })
  expect(read({ A: 'b', A_FILE: '' })).toEqual({ A: 'b', A_FILE: '' })
  expect(() => read({ A: 'b', A_FILE: file })).toThrow('A and A_FILE are both set')
  expect(() => read({ A_FILE: `${file}s` })).toThrow('ENOENT')
  writeFileSync(file, '\n')
  expect(() => read({ A_FILE: file })).toThrow('it is empty')
})

test('what is wrong with a secret is said without it', () => {
  const read = () => readEnvironment([], { CONSOLE_TOKEN: 'too short' })
  expect(read).toThrow('CONSOLE_TOKEN=***: allowed is 16 to 1024 characters')
})
