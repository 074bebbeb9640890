import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { describe, expect, test } from 'vitest'
import { spacegridProgram } from '../own-program.ts'

const space = join(import.meta.dirname, '../../processing-units/auction/space.ts')

interface Ended {
  readonly code: unknown
  readonly said: string
}

function run(command: string, dataDirectory: string, cache?: string): Promise<Ended> {
  const env = {
    ...process.env,
    DATA_DIR: dataDirectory,
    PORT: '0',
    ...(cache === undefined ? {} : { SPACEGRID_CACHE: cache, PATH: '' }),
  }
  return new Promise((ended) => {
    execFile(
      process.execPath,
      [spacegridProgram, ...command.split(' ')],
      { env, timeout: 50_000 },
      (error, stdout, stderr) => ended({ code: error?.code ?? 0, said: stdout + stderr }),
    )
  })
}

const oneLine = (variable: string, folder: string) => ({
  code: 2,
  said: expect.stringMatching(
    new RegExp(
      `^(?=[^\\n]*${RegExp.escape(folder)})(?=[^\\n]*${variable})[^\\n]* cannot be used: [^\\n]*\\n$`,
    ),
  ),
})

describe('a data directory that cannot be used is told in one line with code 2', () => {
  // Node's own recursive mkdir asks for ever there; elsewhere the folder cannot be made for another
  // reason.
  const nowhere = process.platform === 'linux' ? '/proc/x' : '/dev/null/x'
  test.each([`start ${space}`, `cluster ${space}`, 'servers up', 'servers down'])(
    '%s, where no folder can be',
    async (command) => {
      expect(await run(command, nowhere)).toEqual(oneLine('DATA_DIR', nowhere))
    },
  )

  test.each([
    [`start ${space}`, 'lock/'],
    [`cluster ${space}`, 'logs'],
    ['servers up', 'servers.json/'],
    ['servers up', 'servers.lock/'],
  ])('%s, with something else than it keeps there as %s', async (command, name) => {
    const folder = await temporaryFolder('data-directory')
    if (name.endsWith('/')) await mkdir(join(folder, name))
    else await writeFile(join(folder, name), '')
    expect(await run(command, folder)).toEqual(oneLine('DATA_DIR', folder))
  })
})

test('a cache folder that cannot be written to is told before anything is fetched', async () => {
  const file = join(await temporaryFolder('cache'), 'file')
  await writeFile(file, '')
  expect(await run('servers up nats', await temporaryFolder(), file)).toEqual(
    oneLine('SPACEGRID_CACHE', file),
  )
})
