import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { auction } from '@spacegrid/auction/space'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { pythonPackages } from '@spacegrid/proof/python/python-packages'
import { schemathesis } from '@spacegrid/proof/python/schemathesis'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ticketing } from '@spacegrid/ticketing/space'
import { EmbeddedGrid } from 'spacegrid/embedded/embedded-grid'
import { cacheFolder } from 'spacegrid/servers/binary'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const packages = await pythonPackages(schemathesis, cacheFolder(), process.env)
const settings = fileURLToPath(new URL('../proof/python/schemathesis.toml', import.meta.url))
/** Time in which Schemathesis finds what it finds, s. */
const seconds = Number(process.env.SCHEMATHESIS_SECONDS ?? 40)
/** A run of its own each time finds more, and is no test of what has been changed. */
const seed = process.env.SCHEMATHESIS_SEED ?? '1'

describe('both applications, served from one grid', () => {
  const running = new AsyncDisposableStack()
  const faults: object[] = []
  let url: string

  beforeAll(async () => {
    const dataDirectory = await temporaryFolder('open-api')
    const grid = new EmbeddedGrid([ticketing, auction], { dataDirectory })
    running.defer(() => grid.stop())
    const log = { error: (fields: object) => void faults.push(fields) }
    const door = createHttpServer(grid.serving, { log })
    running.defer(() => door.close())
    grid.start()
    url = await door.listen({ host: '127.0.0.1', port: 0 })
    await waitFor(() => grid.readiness().ready, { what: 'the grid', timeoutMs: 60_000 })
  })

  afterAll(() => running.disposeAsync())

  test('Redocly has nothing to say of their OpenAPI document', async () => {
    const source = await (await fetch(`${url}/openapi.json`)).text()
    // Whoever runs an application says under which licence it may be used, if at all.
    const config = await createConfig({
      extends: ['recommended'],
      rules: { 'info-license': 'off' },
    })
    const problems = await lintFromString({ source, config })
    const told = problems.map(({ ruleId, message, location }) => {
      return `${ruleId}: ${message} (${location[0]?.pointer})`
    })
    expect(told).toEqual([])
  })

  // Skipped: without Python and Schemathesis there is nothing to run; said loudly above.
  test.skipIf(packages === undefined)(
    'Schemathesis finds no answer that the document does not describe',
    { timeout: (seconds + 120) * 1000 },
    async () => {
      const args = [
        ...['-m', 'schemathesis.cli', '--config-file', settings, 'run', `${url}/openapi.json`],
        ...['--checks', 'all', '--exclude-checks', 'ignored_auth', '--max-time', `${seconds}`],
        ...['--phases', 'examples,coverage,fuzzing', '--suppress-health-check', 'all'],
        // A stream has no end.
        ...['--exclude-operation-id-regex', '[.]events$'],
        ...['--warnings', 'off', '--no-color', '--seed', seed],
      ]
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, PYTHONPATH: packages }
      const cwd = await temporaryFolder('schemathesis')
      const output = { maxBuffer: 64 * 1024 * 1024 }
      const { stdout, code } = await run('python3', args, { env, cwd, ...output }).then(
        (done) => ({ ...done, code: 0 }),
        (failed: { stdout: string; stderr: string; code: number }) => ({
          stdout: failed.stdout + failed.stderr,
          code: failed.code,
        }),
      )
      expect(code, stdout).toBe(0)
      expect(faults).toEqual([])
    },
  )
})
