import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EmbeddedEnvironment } from './embedded-environment.ts'

describe('the data directory', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'spacegrid-environment-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('is refused to a second process, by name and with the process that holds it', async () => {
    const environment = new EmbeddedEnvironment(directory)
    const module = join(import.meta.dirname, 'embedded-environment.ts')
    const program = `
      const { EmbeddedEnvironment } = await import(${JSON.stringify(module)})
      try { new EmbeddedEnvironment(${JSON.stringify(directory)}) }
      catch ({ code, message }) { console.log(code + ' ' + message) }`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program])
    const said = stdout.toString()
    expect(said).toMatch(/^configuration_invalid /)
    expect(said).toContain(directory)
    expect(said).toContain(`process ${process.pid}`)
    await environment.close()
  })

  test('is refused to another part of the same process, until it is closed', async () => {
    const environment = new EmbeddedEnvironment(directory)
    expect(() => new EmbeddedEnvironment(directory)).toThrow(/in use by process \d+/)
    await environment.close()
    await new EmbeddedEnvironment(directory).close()
  })

  test('is created when there is none', async () => {
    const environment = new EmbeddedEnvironment(join(directory, 'new', 'one'))
    expect(environment.freeBytes()).toBeGreaterThan(0)
    await environment.close()
  })

  test('that cannot be one is refused with the reason', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    expect(() => new EmbeddedEnvironment(file)).toThrow(
      expect.objectContaining({ code: 'configuration_invalid' }),
    )
    expect(() => new EmbeddedEnvironment(join(file, 'below'))).toThrow(/cannot be used: EEXIST/)
  })

  test('a file that is none of ours is refused and left alone', async () => {
    const environment = new EmbeddedEnvironment(directory)
    await writeFile(join(directory, 'log.mdb'), 'not a database '.repeat(1000))
    expect(() => environment.open('log')).toThrow(
      expect.objectContaining({ code: 'configuration_invalid' }),
    )
    await environment.close()
  })

  test('a file of another format is refused and left alone', async () => {
    const environment = new EmbeddedEnvironment(directory)
    environment.open('log').putSync('format', 99)
    await environment.closeFile('log')
    for (let time = 0; time < 2; time++)
      expect(() => environment.open('log')).toThrow(
        expect.objectContaining({ code: 'format_unsupported' }),
      )
    await environment.close()
  })
})
