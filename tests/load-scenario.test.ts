import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import type { LoadSummary } from 'spacegrid/load/summary'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

/* The space and the scenario of docs/load.md, as they stand there. */

const packages = fileURLToPath(new URL('../node_modules', import.meta.url))
let folder = ''
let environment: Record<string, string> = {}
let grid: ChildProcess | undefined
let words: string[] = []

beforeAll(async () => {
  folder = await temporaryFolder('scenario')
  await symlink(packages, join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const { text, language, note } of await blocksOfPage('docs/load.md')) {
    const [, name] = /^\/\/ ([\w.-]+\.ts)\n/.exec(text) ?? []
    if (language === 'ts' && name) await writeFile(join(folder, name), text)
    if (note?.startsWith('run by'))
      words = text
        .trim()
        .split(/\s+/)
        .slice(2)
        .map((word) => word.replaceAll("'", ''))
  }
  environment = {
    PORT: String(await findFreePort()),
    ADMIN_PORT: String(await findFreePort()),
    DATA_DIR: await temporaryFolder('data'),
    LOG_LEVEL: 'error',
  }
  grid = spawn(process.execPath, [spacegridProgram, 'start', './shop.ts'], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  reapWithThisProcess(grid.pid ?? 0)
  const ready = `http://127.0.0.1:${environment.ADMIN_PORT}/health/ready`
  await waitUntil(async () => (await fetch(ready)).ok, {
    timeoutMs: 60_000,
    what: 'the grid to be ready',
  })
}, 90_000)

afterAll(async () => {
  if (!grid || grid.exitCode !== null) return
  grid.kill('SIGKILL')
  await once(grid, 'exit')
  outlive(grid.pid ?? 0)
})

let runs = 0

async function run(...argv: string[]) {
  const file = `run-${runs++}.json`
  const all = [...argv, '--json', file]
  const { code, output, errors } = await spacegridCommand(all, { folder, environment })
  const json = await readFile(join(folder, file), 'utf8').catch(() => 'null')
  return { exitCode: code, text: output + errors, summary: JSON.parse(json) as LoadSummary }
}

describe('a scenario of one’s own', { timeout: 60_000 }, () => {
  test('is found, runs, keeps its books and passes its audit', async () => {
    const { exitCode, text, summary } = await run(...words)
    expect(text).toContain('where npx spacegrid start serves')
    expect(text).toContain('Audit passed.')
    expect(exitCode).toBe(0)
    const [looks, buys] = [summary.operations.left, summary.operations.buy]
    expect(buys?.admitted).toBeGreaterThan(20)
    expect(looks?.admitted).toBeGreaterThan(2 * (buys?.admitted ?? 0))
    const promises = summary.audit.checks.map(({ promise }) => promise)
    expect(promises).toEqual([
      'stock is never negative',
      'what is gone was sold',
      'every answer kept to the contract',
    ])
    expect(summary.audit.checks[1]?.detail).toMatch(/^[1-9]\d* sold$/)
    // The process says how it is, beside what its users have seen.
    expect(summary.servers.processes).toMatchObject([{ role: 'embedded' }])
    expect(summary.servers.processes[0]?.samples[0]).toMatchObject({
      queueingDelayMs: expect.any(Number),
      eventLoopMs: expect.any(Number),
      residentBytes: expect.any(Number),
    })
  })

  test('fails by a check, by its audit and by a visit that throws', async () => {
    const good = await readFile(join(folder, 'load.ts'), 'utf8')
    const edited = async (name: string, from: string, to: string) => {
      expect(good).toContain(from)
      await writeFile(join(folder, name), good.replace(from, to))
      const { exitCode, summary } = await run(...words.map((word) => word.replace('load.ts', name)))
      expect(exitCode).toBe(1)
      return summary.audit.checks.filter(({ passed }) => !passed)
    }
    const [broken, lost, thrown] = await Promise.all([
      edited('check.ts', 'seen.result.left >= 0', 'seen.result.left >= 500'),
      edited('audit.ts', 'sold += quantity', 'sold += 0'),
      edited('visit.ts', 'await user.think()', "throw new Error('lost')"),
    ])
    expect(broken).toMatchObject([
      { promise: 'stock is never negative', detail: expect.stringMatching(/^broken \d+ of \d+ t/) },
    ])
    expect(lost).toMatchObject([{ detail: expect.stringContaining('0 sold') }])
    expect(thrown).toMatchObject([{ promise: 'every answer kept to the contract' }])
  })

  test('that is none is told in a line, with exit code 2', async () => {
    const missing = await run('load', '--scenario', './missing.ts')
    expect(missing).toMatchObject({ exitCode: 2 })
    expect(missing.text).toMatch(/^error: There is no file \.\/missing\.ts \(in .*\)\n$/)
    const none = await run('load', '--scenario', './shop.ts')
    expect(none.exitCode).toBe(2)
    expect(none.text).toMatch(/^error: shop\.ts exports no scenario: export default defineScenario/)
    await writeFile(
      join(folder, 'idle.ts'),
      "export default { space: 'shop', start: () => ({ journeys: { rest: { weight: 0, visit: async () => {} } } }) }",
    )
    const idle = await run('load', '--scenario', './idle.ts')
    expect(idle.exitCode).toBe(1)
    expect(idle.text).toContain('error: No journey has a weight: nobody would do anything')
  })
})
