import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, test } from 'vitest'
import { findFreePort, isPortFree } from '../servers/free-port.ts'
import { outlive, reapWithThisProcess } from '../servers/reaper.ts'

const root = join(import.meta.dirname, '../..')

interface Started {
  readonly npm: ChildProcess
  readonly ports: readonly number[]
  readonly said: () => string
}

async function npmStart(): Promise<Started> {
  const ports = [await findFreePort(), await findFreePort()] as const
  const env = {
    ...process.env,
    PORT: String(ports[0]),
    ADMIN_PORT: String(ports[1]),
    DATA_DIR: await temporaryFolder('npm-start'),
  }
  // A process group of its own, as a terminal gives each command.
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapWithThisProcess(-(npm.pid ?? 0))
  let said = ''
  for (const output of [npm.stdout, npm.stderr])
    output?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  await waitFor(() => said.includes('is serving'), { what: 'the grid', timeoutMs: 50_000 })
  return { npm, ports, said: () => said }
}

test.each([
  ['SIGTERM to npm alone', (pid: number) => process.kill(pid, 'SIGTERM')],
  [
    'Ctrl-C, of which the terminal tells npm and the grid, and npm the grid again',
    (pid: number) => process.kill(-pid, 'SIGINT'),
  ],
])('the grid of npm start ends in good order on %s', async (_, stop) => {
  const { npm, ports, said } = await npmStart()
  stop(npm.pid ?? 0)
  // 1 would be a grid that has ended at once.
  expect(await once(npm, 'exit'), said()).toEqual([0, null])
  outlive(-(npm.pid ?? 0))
  for (const port of ports) expect(await isPortFree(port)).toBe(true)
})

test('no npm script has a shell between npm and a program that runs for long', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const [name, line] of Object.entries(scripts))
    if (!['check', 'format', 'sbom'].includes(name))
      expect(line, name).toMatch(/^exec node [^&|;]+$/)
})

test('what stands for exec on Windows runs the program with its words, and ends as it does', async () => {
  const program = 'process.exitCode = Number(process.argv[1]); console.log(process.argv.slice(1))'
  const child = spawn(process.execPath, [
    join(root, 'spacegrid/exec.ts'),
    'node',
    '-e',
    program,
    '3',
    'a b',
  ])
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  expect(await once(child, 'close')).toEqual([3, null])
  expect(said).toBe("[ '3', 'a b' ]\n")
})
