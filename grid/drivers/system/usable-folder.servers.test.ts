import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { folderFault, useFolder } from './usable-folder.ts'

const run = promisify(execFile)
const nobody = 65534

let folder: string
const mounted: string[] = []
const at = (name: string) => join(folder, name)

/** A file system of its own, where this machine lets one be made. */
function mounts(name: string, options: string): boolean {
  mkdirSync(at(name))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at(name)], { stdio: 'ignore' })
    mounted.push(at(name))
    return true
  } catch {
    // Not as this user, or not in this container: the other troubles are tried all the same.
    return false
  }
}

function saidOf(path: string): string {
  try {
    useFolder('DATA_DIR', path)
  } catch (error) {
    expect(error).toMatchObject({ code: 'configuration_invalid' })
    return (error as Error).message
  }
  return 'was accepted'
}

const said = (path: string, reason: string) =>
  expect.stringMatching(
    new RegExp(`^DATA_DIR="${RegExp.escape(path)}" cannot be used: ${reason}[^\\n]*$`),
  )

beforeAll(async () => {
  folder = await temporaryFolder('usable')
  chmodSync(folder, 0o755)
})

afterAll(() => {
  for (const each of mounted) execFileSync('umount', [each])
})

describe('a folder that a variable names', () => {
  test('is made with all that is missing above it, and left as it was found', () => {
    useFolder('DATA_DIR', at('new/one/two'))
    useFolder('DATA_DIR', at('new/one/two'))
    expect(readdirSync(at('new/one/two'))).toEqual([])
    symlinkSync(at('new'), at('link'))
    useFolder('DATA_DIR', at('link/three'))
    expect(existsSync(at('new/three'))).toBe(true)
  })

  test('cannot be where a file is, or below one, or behind a link to nothing', () => {
    writeFileSync(at('file'), '')
    symlinkSync(at('nowhere'), at('broken'))
    for (const name of ['file', 'file/x', 'file/x/y', 'broken', 'broken/x'])
      expect(saidOf(at(name))).toEqual(said(at(name), 'a file is in its place'))
  })

  // Node's own recursive mkdir asks there for ever.
  test.runIf(process.platform === 'linux')('cannot be in /proc', () => {
    for (const path of ['/proc/x', '/proc/x/y'])
      expect(saidOf(path)).toEqual(said(path, 'no folder can be made there'))
  })

  test('must be one that this user may write to', async () => {
    mkdirSync(at('locked'), { mode: 0o555 })
    // Root may write everywhere, so that another user has to ask.
    const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
    const module = JSON.stringify(join(import.meta.dirname, 'usable-folder.ts'))
    for (const path of [at('locked'), at('locked/x/y')]) {
      const program = `const { useFolder } = await import(${module})
        try { useFolder('DATA_DIR', ${JSON.stringify(path)}) } catch ({ message }) { console.log(message) }`
      const words = ['--input-type=module', '--eval', program]
      const { stdout } = await run(process.execPath, words, user)
      expect(stdout.trimEnd()).toEqual(said(path, 'this user may not write there'))
    }
  })

  test('must not be read-only, and have room', () => {
    if (mounts('read-only', 'ro')) {
      expect(saidOf(at('read-only'))).toEqual(said(at('read-only'), 'its file system is read-only'))
      expect(saidOf(at('read-only/x'))).toContain('its file system is read-only')
    }
    if (mounts('small', 'size=64k'))
      expect(saidOf(at('small'))).toEqual(said(at('small'), 'its disk is full'))
    if (mounts('full', 'size=4k')) {
      writeFileSync(at('full/all'), 'x'.repeat(4096))
      expect(saidOf(at('full'))).toEqual(said(at('full'), 'its disk is full'))
    }
  })
})

test('an error about something in the folder names the variable, one about something else does not', () => {
  const faultOf = (path?: string) => {
    const cause = Object.assign(new Error('no room'), { code: 'ENOSPC', path })
    return folderFault('DATA_DIR', '/data', new Error('starting', { cause }))?.message
  }
  for (const path of ['/data/logs', '/data', '/'])
    expect(faultOf(path)).toBe('DATA_DIR="/data" cannot be used: its disk is full (no room)')
  for (const path of ['/data2', '/other', undefined]) expect(faultOf(path)).toBeUndefined()
})
