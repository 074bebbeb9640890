import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { beforeAll, expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

const url = 'mongodb://grid:secret@one:27017/?replicaSet=rs0'
let folder: string
let file: string

beforeAll(async () => {
  folder = await temporaryFolder('secrets')
  file = join(folder, 'mongodb-url')
  await writeFile(file, `${url}\n`)
})

const read = (variables: Record<string, string>, required: readonly 'MONGODB_URL'[] = []) =>
  readEnvironment(required, variables)

test('a URL with a password may be in a file', () => {
  expect(read({ MONGODB_URL_FILE: file }, ['MONGODB_URL']).MONGODB_URL).toBe(url)
  // Set to nothing counts as not set, of both.
  expect(read({ MONGODB_URL_FILE: file, MONGODB_URL: '' }).MONGODB_URL).toBe(url)
  expect(read({ MONGODB_URL_FILE: '', MONGODB_URL: url }).MONGODB_URL).toBe(url)
})

test.each([
  ['nothing', 'there is no such file'],
  ['.', 'that is a folder'],
  ['empty', 'the file is empty'],
  ['long', 'the file is too long for what it is to hold'],
])('%s in the place of the file ends with one line: %s', async (name, said) => {
  await writeFile(join(folder, 'empty'), '\n')
  await writeFile(join(folder, 'long'), 'x'.repeat(100_000))
  const place = join(folder, name)
  expect(() => read({ REDIS_URL_FILE: place })).toThrow(`REDIS_URL_FILE="${place}": ${said}`)
})

test('what is in the file is checked as ever, and no password shown', async () => {
  const wrong = join(folder, 'wrong')
  await writeFile(wrong, 'http://grid:secret@one')
  expect(() => read({ NATS_URL_FILE: wrong })).toThrow(/^NATS_URL="http:\/\/\*{3}@one": allowed/)
})

test('both are one too many', () => {
  expect(() => read({ MONGODB_URL_FILE: file, MONGODB_URL: url })).toThrow(
    'MONGODB_URL and MONGODB_URL_FILE are both set: set one',
  )
})
