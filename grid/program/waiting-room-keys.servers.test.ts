import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'
import { linePassesOf } from './waiting-room-keys.ts'

const pass = { line: 'shop', lane: 'general', id: 1, until: 2 }
const passesOf = (variables: Record<string, string>) => linePassesOf(readEnvironment([], variables))

test('a key is made once, for its owner alone, and taken from then on', async () => {
  const DATA_DIR = await temporaryFolder('waiting-room-keys')
  const [one, other] = [passesOf({ DATA_DIR }), passesOf({ DATA_DIR })]
  expect(other.read('ticket', one.sign('ticket', pass), 1)).toEqual(pass)
  const file = join(DATA_DIR, 'keys/waiting-room')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  // Another one comes behind it, is put first, and the old one goes: tickets hold all the while.
  const old = (await readFile(file, 'utf8')).trim()
  const fresh = 'another-key-of-at-least-32-characters'
  const ticket = one.sign('ticket', pass)
  await writeFile(file, `${old}\n${fresh}\n`)
  const between = passesOf({ DATA_DIR })
  expect(between.read('ticket', ticket, 1)).toEqual(pass)
  await writeFile(file, `${fresh}\n${old}\n`)
  const rotated = passesOf({ DATA_DIR })
  expect(rotated.read('ticket', ticket, 1)).toEqual(pass)
  expect(between.read('ticket', rotated.sign('ticket', pass), 1)).toEqual(pass)
  expect(one.read('ticket', rotated.sign('ticket', pass), 1)).toBe('forged')
})

test('a key can be in a variable, or in a file that it names', async () => {
  const key = 'a-secret-of-at-least-32-characters'
  const file = join(await temporaryFolder('waiting-room-keys'), 'key')
  await writeFile(file, `${key}\n`)
  const ticket = passesOf({ WAITING_ROOM_KEY: key }).sign('ticket', pass)
  expect(passesOf({ WAITING_ROOM_KEY_FILE: file }).read('ticket', ticket, 1)).toEqual(pass)
})

test('a key that is too short is told, and not shown', async () => {
  const DATA_DIR = await temporaryFolder('waiting-room-keys')
  expect(() => passesOf({ WAITING_ROOM_KEY: 'secret' })).toThrow('WAITING_ROOM_KEY=***: allowed is')
  passesOf({ DATA_DIR })
  await writeFile(join(DATA_DIR, 'keys/waiting-room'), 'short\n')
  expect(() => passesOf({ DATA_DIR })).toThrow('each line must be a key of at least 32 characters')
})
