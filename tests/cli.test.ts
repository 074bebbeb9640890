import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { afterEach, expect, test } from 'vitest'

const own = fileURLToPath(new URL('../spacegrid', import.meta.url))
const running: Running[] = []
let project: string

/** A project as `init` makes it and `npm install` would link it; later programs run in it. */
async function makeProject(): Promise<void> {
  const folder = await temporaryFolder('cli')
  const made = await spacegridCommand(['init', 'ticket-shop', '--json'], { folder })
  expect(made).toMatchObject({ code: 0, errors: '' })
  project = join(folder, 'ticket-shop')
  await mkdir(join(project, 'node_modules/.bin'), { recursive: true })
  await symlink(own, join(project, 'node_modules/spacegrid'))
  await symlink('../spacegrid/cli.ts', join(project, 'node_modules/.bin/spacegrid'))
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

/** A program in the project's folder. */
class Running {
  readonly client: PatientClient
  readonly url: string
  said = ''
  readonly #child: ChildProcess

  /** A script of the project. */
  static async npm(...words: string[]): Promise<Running> {
    const one = new Running(await findFreePort(), await findFreePort(), 'npm', words)
    running.push(one)
    return one
  }

  /** What a script of the project runs, without npm. */
  static async start(...words: string[]): Promise<Running> {
    const program = ['node_modules/.bin/spacegrid', 'start', ...words]
    const one = new Running(await findFreePort(), await findFreePort(), process.execPath, program)
    running.push(one)
    return one
  }

  private constructor(port: number, adminPort: number, program: string, words: string[]) {
    this.url = `http://127.0.0.1:${port}`
    this.client = new PatientClient(this.url)
    this.#child = spawn(program, words, {
      cwd: project,
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    reapWithThisProcess(-(this.#child.pid ?? 0))
    for (const output of [this.#child.stdout, this.#child.stderr])
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
      })
  }

  async says(text: string | RegExp): Promise<void> {
    await waitFor(() => this.said.match(text) !== null, {
      what: `${text} in ${this.said}`,
      timeoutMs: 40_000,
    })
  }

  /** It alone, not what it has started. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async ended(): Promise<unknown> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'exit')
    return this.#child.exitCode
  }

  /** As Ctrl-C does: everybody in the terminal is told. */
  async stop(): Promise<unknown> {
    await this.client.close()
    const { pid, exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null && pid !== undefined) process.kill(-pid, 'SIGINT')
    return await this.ended()
  }
}

const edit = async (from: string | RegExp, to: (text: string) => string) => {
  const file = join(project, 'space.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to))
}

test('a project that init has made is tested, checked and served, and keeps its data', async () => {
  await makeProject()
  const tests = await Running.npm('test')
  expect(await tests.ended(), tests.said).toBe(0)
  expect(await spacegridCommand(['check', '--json'], { folder: project })).toMatchObject({
    code: 0,
  })

  const first = await Running.start()
  await first.says(/curl \S+\/ticketShop\/commands\/offer/)
  const mugs = { itemId: 'mug', quantity: 10 }
  const offered = await first.client.command('ticketShop', 'offer', { ...mugs, title: 'Mug' })
  expect(offered).toMatchObject({ status: 200, body: { result: { left: 10 } } })
  expect(await first.stop(), first.said).toBe(0)

  const second = await Running.start()
  await second.says('is serving')
  const stock = await second.client.query('ticketShop', 'stock', { itemId: 'mug' })
  expect(stock.body.result).toEqual({ left: 10 })
}, 120_000)

test('with --watch a change is served with the data there; a wrong one is told, and the one before goes on', async () => {
  await makeProject()
  const grid = await Running.start('--watch')
  await grid.says('is serving')
  const stock = async () => {
    const { status, body } = await grid.client.query('ticketShop', 'stock', { itemId: 'mug' })
    return { status, result: body.result }
  }
  await grid.client.command('ticketShop', 'offer', { itemId: 'mug', title: 'Mug', quantity: 3 })

  await edit('({ left: ', () => '({ version: 2, left: ')
  await grid.says(/Started again in \d+ ms: space\.ts has changed/)
  expect(await stock()).toEqual({ status: 200, result: { version: 2, left: 3 } })

  await edit(/^/, () => 'enum Kind {}\n')
  await grid.says(/space\.ts cannot be used: .*enum/)
  await grid.says('The version before it goes on.')
  expect(await stock()).toEqual({ status: 200, result: { version: 2, left: 3 } })

  await edit(/enum Kind.*version: 2/s, (text) =>
    text.replace('enum Kind {}', "import { version } from './version.ts'").replace(': 2', ''),
  )
  await grid.says(/Cannot find module '.*version\.ts'/)
  await writeFile(join(project, 'version.ts'), 'export const version = 3')
  await grid.says(/Started again in \d+ ms: version\.ts has changed/)
  expect(await stock()).toEqual({ status: 200, result: { version: 3, left: 3 } })
  expect(await grid.stop(), grid.said).toBe(0)
}, 120_000)

test('a grid ends with the npm that has started it', async () => {
  await makeProject()
  const grid = await Running.npm('start')
  await grid.says('is serving')
  grid.kill('SIGTERM')
  await waitFor(async () => (await fetch(grid.url).catch(() => undefined)) === undefined, {
    what: 'the grid to be gone',
    timeoutMs: 20_000,
  })
}, 60_000)

test.each([
  [['start', '--fast'], /^error: unknown option '--fast'\n$/],
  [['sideways'], /^error: unknown command 'sideways'\n$/],
  [['start', 'nowhere.ts'], /^There is no file nowhere\.ts [^\n]*\n$/],
  [['unit'], /^NATS_URL is not set: [^\n]*\n$/],
  [['data-pump'], /^NATS_URL is not set: [^\n]*; SPACES is not set: [^\n]*\n$/],
  [['cluster', '--units', 'many'], /^error: [^\n]*whole number from 1 to 16\.\n$/],
  [['log', 'show', 'shop', 'first'], /^error: [^\n]*a whole number from 1 on\.\n$/],
  [['simulate', './space.ts'], /^There is no file \.\/space\.ts [^\n]*\n$/],
  [['quarantine', 'list'], /^There is no MongoDB to look at: [^\n]*npx spacegrid cluster[^\n]*\n$/],
  [['recover'], /^error: say what has been lost: [^\n]*\n$/],
])('%j is refused in one line with code 2', async (words, line) => {
  const folder = await temporaryFolder('words')
  const { code, output, errors } = await spacegridCommand(words, { folder })
  expect(errors).toMatch(line)
  expect({ code, output }).toEqual({ code: 2, output: '' })
})

test.each([
  'init start check simulate load cluster servers unit data-pump data-writer data-reader waiting-room'.split(
    ' ',
  ),
  'audit claim quarantine reactions log recover'.split(' '),
])('%s tells what it takes', async (...names) => {
  const { output } = await spacegridCommand(['--help'])
  for (const name of names) {
    expect(output).toMatch(new RegExp(`^  ${name} `, 'm'))
    const help = await spacegridCommand([name, '--help'])
    expect(help.code, help.errors).toBe(0)
    expect(help.output).toMatch(/^Usage: /)
  }
})
