import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitFor } from '../support/wait-for.ts'

const run = promisify(execFile)
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** An application of its own, with `spacegrid` installed. `files`: their texts by their names. */
export async function exampleFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder('python')
  await symlink(modules, join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

/**
 * A program of the folder, once it has said so; stopped when it is disposed of.
 * @throws Error when it ends before, with what it has said
 */
export async function startExample(
  folder: string,
  program: string,
  environment: Readonly<Record<string, string>>,
  saying: string,
): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: { ...process.env, PORT: '0', ADMIN_PORT: '0', ...environment },
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
  if (child.exitCode !== null) throw new Error(`${program} has ended:\n${said}`)
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What `example.py` of the folder prints. */
export async function printedByPython(
  folder: string,
  packages: string | undefined,
  natsUrl: string,
): Promise<string> {
  const env = { PATH: process.env.PATH, PYTHONPATH: packages, NATS_URL: natsUrl }
  return (await run('python3', ['example.py'], { cwd: folder, env })).stdout
}
