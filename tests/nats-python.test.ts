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
const packages = isPythonInstalled(process.env, 'the example in Python')
  ? await packagesWithNats(cacheFolder(), process.env)
  : undefined
const ranBy = 'run by tests/nats-python.test.ts'
const comparedBy = 'compared by tests/nats-python.test.ts'

// Skipped: without Python and nats-py there is nothing to run; said loudly above.
test.skipIf(packages === undefined)(
  'the example in Python prints what docs/nats.md says',
  {
    timeout: 120_000,
  },
  async () => {
    const blocks = await blocksOfPage('docs/nats.md')
    const example = blocks.find(({ note }) => note === ranBy)?.text ?? ''
    const printed = blocks.find(({ note }) => note === comparedBy)?.text ?? 'none'
    const guide = await blocksOfPage('docs/guide.md')
    const folder = await temporaryFolder('python')
    await symlink(
      fileURLToPath(new URL('../node_modules', import.meta.url)),
      join(folder, 'node_modules'),
    )
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const space = guide.find(({ text }) => text.startsWith('// space.ts'))?.text ?? ''
    await writeFile(join(folder, 'space.ts'), space)
    await writeFile(join(folder, 'main.ts'), program)
    await writeFile(join(folder, 'example.py'), example)
    await using nats = await startNats()
    const env = { ...process.env, NATS_URL: nats.url, PORT: '0', ADMIN_PORT: '0' }
    const unit = spawn(process.execPath, ['main.ts'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    reapWithThisProcess(unit.pid ?? 0)
    let said = ''
    for (const output of [unit.stdout, unit.stderr])
      output.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    const isOpen = () => said.includes('listening') || unit.exitCode !== null
    await waitFor(isOpen, { what: 'the unit', timeoutMs: 60_000 })
    expect(unit.exitCode, said).toBeNull()
    const python = { PATH: process.env.PATH, PYTHONPATH: packages, NATS_URL: nats.url }
    const { stdout } = await run('python3', ['example.py'], { cwd: folder, env: python })
    expect(stdout).toBe(printed)
    const ended = once(unit, 'exit')
    unit.kill('SIGTERM')
    await ended
  },
)

const program = `
import { runProcessingUnit } from 'spacegrid/program'
import shop from './space.ts'

await runProcessingUnit(() => shop)
`
