import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isPythonInstalled, packagesWithNats } from '@spacegrid/proof/python/nats-py'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { cacheFolder } from 'spacegrid/servers/binary'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { expect, test } from 'vitest'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

const run = promisify(execFile)
const packages = isPythonInstalled(process.env, 'the example of events in Python')
  ? await packagesWithNats(cacheFolder(), process.env)
  : undefined
const ranBy = 'run by tests/nats-events.test.ts'
const comparedBy = 'compared by tests/nats-events.test.ts'

// Skipped: without Python and nats-py there is nothing to run; said loudly above.
test.skipIf(packages === undefined)(
  'a consumer in Python gets the events that docs/nats.md says',
  { timeout: 120_000 },
  async () => {
    const blocks = await blocksOfPage('docs/nats.md')
    const example = blocks.find(({ note }) => note === ranBy)?.text ?? ''
    const printed = blocks.find(({ note }) => note === comparedBy)?.text ?? 'none'
    const live = await blocksOfPage('docs/live.md')
    const folder = await temporaryFolder('python-events')
    const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
    await symlink(modules, join(folder, 'node_modules'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const space = live.find(({ text }) => text.includes("defineSpace('box'"))?.text ?? ''
    await writeFile(join(folder, 'space.ts'), space)
    await writeFile(join(folder, 'unit.ts'), unit)
    await writeFile(join(folder, 'pump.ts'), pump)
    await writeFile(join(folder, 'example.py'), example)
    await using nats = await startNats()
    const processes = await Promise.all([
      started(folder, 'unit.ts', nats.url, 'listening'),
      started(folder, 'pump.ts', nats.url, 'started'),
    ])
    const python = { PATH: process.env.PATH, PYTHONPATH: packages, NATS_URL: nats.url }
    const { stdout } = await run('python3', ['example.py'], { cwd: folder, env: python })
    expect(stdout).toBe(printed)
    for (const child of processes) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  },
)

async function started(folder: string, program: string, natsUrl: string, saying: string) {
  const own = { NATS_URL: natsUrl, PORT: '0', ADMIN_PORT: '0', EVENTS_BYTES_MAX: '1048576' }
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: { ...process.env, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapWithThisProcess(child.pid ?? 0)
  let said = ''
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const isUp = () => said.includes(saying) || child.exitCode !== null
  await waitFor(isUp, { what: program, timeoutMs: 60_000 })
  expect(child.exitCode, said).toBeNull()
  return child
}

const unit = `
import { runProcessingUnit } from 'spacegrid/program'
import box from './space.ts'

await runProcessingUnit(() => box)
`
const pump = `
import { runDataPump } from 'spacegrid/data-pump'

await runDataPump('box')
`
