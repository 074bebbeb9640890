import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { beforeAll, expect, test } from 'vitest'
import { filesOfUrl } from './url-files.ts'

let password: string
let ca: string

beforeAll(async () => {
  const folder = await temporaryFolder('url files')
  password = join(folder, 'password')
  ca = join(folder, 'ca.pem')
  await writeFile(password, 's:e/c@r?t\n')
  await writeFile(ca, 'the authority')
})

const encoded = 's%3Ae%2Fc%40r%3Ft'
const file = (path: string) => encodeURIComponent(path)

test('the password of a file stands in the place of one in the URL', () => {
  const url = (address: string, query = '') =>
    filesOfUrl('SOME_URL', `${address}?passwordFile=${file(password)}${query}`).url
  expect(url('mongodb://grid@one:1,two:2/', '&replicaSet=rs0&tls=true')).toBe(
    `mongodb://grid:${encoded}@one:1,two:2/?replicaSet=rs0&tls=true`,
  )
  expect(url('redis://one:6379')).toBe(`redis://:${encoded}@one:6379`)
  expect(url('redis://one:6379/3')).toBe(`redis://:${encoded}@one:6379/3`)
})

test('what the driver reads by itself stays, other files are taken out', () => {
  const mongodb = `mongodb://one/?tlsCAFile=${file(ca)}&replicaSet=rs0`
  expect(filesOfUrl('SOME_URL', mongodb)).toEqual({ url: mongodb, files: {} })
  expect(filesOfUrl('SOME_URL', `rediss://one?tlsCAFile=${file(ca)}`, ['tlsCAFile'])).toEqual({
    url: 'rediss://one',
    files: { tlsCAFile: 'the authority' },
  })
  expect(filesOfUrl('SOME_URL', 'redis://one')).toEqual({ url: 'redis://one', files: {} })
})

test('two passwords, and a file that is not there, are refused without a word of either', () => {
  const both = `redis://:hidden@one?passwordFile=${file(password)}`
  expect(() => filesOfUrl('SOME_URL', both)).toThrow(
    'SOME_URL has a password and names a file of one',
  )
  expect(() => filesOfUrl('SOME_URL', 'redis://one?passwordFile=/nowhere')).toThrow(
    'SOME_URL: /nowhere cannot be read (ENOENT)',
  )
})
