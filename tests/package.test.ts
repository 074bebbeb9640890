import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { MongoClient } from 'mongodb'
import { findFreePort } from 'spacegrid/servers/free-port'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiPages } from '../scripts/api-report.ts'
import { buildPackage, packTarball } from '../scripts/build-package.ts'
import { blocksOfPage } from '../scripts/docs-blocks.ts'
import { FollowedPage } from './followed-page.ts'

/*
 * The package as somebody else meets it: packed, installed into an empty folder outside of this
 * repository, as the guide says it, and an application beside it that has nothing but the package.
 * What it is tested with (the compiler, types of Node.js, servers) is the repository's.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const startMsMax = 60_000
const installMsMax = 300_000
/** A compiler over all libraries, or several programs, on a busy machine. */
const timeout = 180_000

let built = ''
let tarball = ''
/** The application's folder. */
let home = ''
let guide: FollowedPage

interface Outcome {
  readonly code: number
  readonly output: string
}

/** Runs a program to its end, with nothing of this repository in its environment but its Node. */
async function run(program: string, words: readonly string[], cwd = home): Promise<Outcome> {
  const options = { cwd, env: environment(), timeout: installMsMax, maxBuffer: 2 ** 26 }
  return await promisify(execFile)(program, words, options).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, message, stdout = '', stderr = '' }) => ({
      code: typeof code === 'number' ? code : -1,
      output: `${message}\n${stdout}${stderr}`,
    }),
  )
}

/** How this machine reaches its registries: needed wherever something is installed. */
const ofMachine =
  /^(?:NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA|npm_config_(?:registry|cache|ca|cafile|https?[-_]?proxy|proxy|noproxy))$/i

/**
 * npm tells what it runs about itself and about this repository: none of it may reach the
 * application.
 */
function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => ofMachine.test(name) || !/^(?:npm_|NODE_|VITEST|TEST$|[A-Z]+_URL$)/.test(name),
  )
  return { ...Object.fromEntries(kept), ...more }
}

const node = (...words: readonly string[]) => run(process.execPath, words)
const tool = (path: string) => join(root, 'node_modules', path)

beforeAll(async () => {
  built = join(await temporaryFolder('built'), 'spacegrid')
  await buildPackage(built)
  const packed = await packTarball(built, await temporaryFolder('tarball'))
  const above = await temporaryFolder('guide')
  tarball = join(above, basename(packed))
  await rename(packed, tarball)
  guide = await FollowedPage.open(await blocksOfPage('docs/guide.md'), above, 'shop')
  await guide.follow(/^npm install/)
  home = await temporaryFolder('application')
  await writeFile(
    join(home, 'package.json'),
    JSON.stringify({ name: 'shop', private: true, type: 'module' }),
  )
  await symlink(join(above, 'shop/node_modules'), join(home, 'node_modules'))
  await cp(join(root, 'tests/package-application'), home, { recursive: true })
  await writeReadmeExamples()
}, installMsMax)

/** The examples of the page that npm shows, each under the name that its first line has. */
async function writeReadmeExamples(): Promise<void> {
  const page = await readFile(join(home, 'node_modules/spacegrid/README.md'), 'utf8')
  const examples = [...page.matchAll(/```ts\n\/\/ ([\w.-]+)[^\n]*\n(.*?)```/gs)]
  expect(examples.length).toBeGreaterThan(0)
  await mkdir(join(home, 'readme'))
  for (const [, name = '', code = ''] of examples) await writeFile(join(home, 'readme', name), code)
}

afterAll(() => guide?.[Symbol.asyncDispose]())

const running = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    outlive(child.pid ?? 0)
  }
  running.clear()
})

/** Starts a program of the application, until the test is over. */
function start(
  program: string,
  variables: Readonly<Record<string, string>>,
  words: readonly string[] = [],
) {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: home,
    env: environment(variables),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  reapWithThisProcess(child.pid ?? 0)
  const started = { child, said: '' }
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (text: string) => {
      started.said += text
    })
  return started
}

async function call(url: string, orderId: string, acknowledge = 'committed') {
  const { code, output } = await node('caller.ts', url, orderId, acknowledge)
  expect(code, output).toBe(0)
  return JSON.parse(output) as { placed: object; refused: string; ids: string[] }
}

test('docs/api-report.md and docs/reference are current: npm run api', { timeout }, async () => {
  const pages = await apiPages(built)
  for (const [path, text] of pages)
    expect(await readFile(join(root, path), 'utf8').catch(() => 'is not there'), path).toBe(text)
  const kept = await readdir(join(root, 'docs/reference'))
  expect(kept.map((page) => `docs/reference/${page}`).filter((path) => !pages.has(path))).toEqual(
    [],
  )
})

test('docs/guide.md holds word for word, from an empty folder to the data in MongoDB', {
  timeout: 600_000,
}, async () => {
  expect(await guide.follow()).toBeGreaterThan(17)
})

describe('the tarball', { timeout }, () => {
  test('is what publint asks for', async () => {
    const { code, output } = await node(tool('publint/src/cli.js'), 'run', tarball, '--strict')
    expect(code, output).toBe(0)
    expect(output).toContain('All good!')
  })

  test('has types that are not wrong, for each of its entries', async () => {
    const words = [
      tarball,
      '--profile',
      'esm-only',
      '--no-emoji',
      '--no-color',
      '--format',
      'ascii',
    ]
    const manifest = await readFile(join(home, 'node_modules/spacegrid/package.json'), 'utf8')
    const published = Object.keys(JSON.parse(manifest).exports)
    const { code, output } = await node(tool('@arethetypeswrong/cli/dist/index.js'), ...words)
    expect(code, output).toBe(0)
    expect(output.match(/^node16 \(from ESM\): OK/gm)).toHaveLength(published.length)
    expect(output.match(/^bundler: OK/gm)).toHaveLength(published.length)
  })

  test('holds of what proves the grid only what simulates a space, no application and no test', async () => {
    const files = await readdir(join(home, 'node_modules/spacegrid'), { recursive: true })
    const compiled = files.filter((file) => /\.js$/.test(file))
    expect(compiled.length).toBeGreaterThan(100)
    const staysHome =
      /\.test\.|test-support|-conformance\.|bench|proof\/(?!simulator)|scenarios|all-workloads/
    expect(files.filter((file) => staysHome.test(file))).toEqual([])
    const units = await readdir(join(home, 'node_modules/spacegrid/lib/processing-units'))
    expect(units).toEqual(['runtime'])
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([])
    const installed = await readdir(join(home, 'node_modules'))
    expect(installed.filter((name) => /vitest|tinybench|playwright/.test(name))).toEqual([])
  })

  test('is closed: what is no entry cannot be imported', async () => {
    const main = "await import('spacegrid/lib/grid/core/meld.js')"
    const { code, output } = await node('--input-type=module', '--eval', main)
    expect(code).not.toBe(0)
    expect(output).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe('an application elsewhere', { timeout }, () => {
  test.each([
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])(
    'is type-checked with the libraries it uses: moduleResolution %s',
    async (resolution, module) => {
      const configuration = join(home, `tsconfig.${resolution}.json`)
      const compilerOptions = {
        target: 'esnext',
        lib: ['esnext'],
        module,
        moduleResolution: resolution,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        noEmit: true,
        allowImportingTsExtensions: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
      }
      await writeFile(
        configuration,
        JSON.stringify({ compilerOptions, include: ['*.ts', 'readme/*.ts'] }),
      )
      const { code, output } = await node(tool('typescript/bin/tsc'), '-p', configuration)
      expect(code, output).toBe(0)
    },
  )

  test.each([[[]], [['--enable-source-maps']]])(
    'tests its space, and is told its own line: node %s --test',
    async (flags) => {
      const { code, output } = await node(...flags, '--test', 'shop-check.ts')
      expect(code, output).toBe(0)
      expect(output).toMatch(/# pass 3|pass 3/)
    },
  )

  test('is served embedded, and has its data after kill -9', async () => {
    const variables = { PORT: '0', ADMIN_PORT: '0', DATA_DIR: join(home, 'data') }
    const serve = async () => {
      const program = start('embedded.ts', variables)
      const found = await waitFor(() => /\{"url".*\}/.exec(program.said)?.[0], {
        what: `the embedded grid: ${program.said}`,
        timeoutMs: startMsMax,
      })
      return { ...program, url: (JSON.parse(found) as { url: string }).url }
    }
    const first = await serve()
    expect(await call(first.url, 'o1')).toMatchObject({
      placed: { result: { orderId: 'o1' }, replayed: false },
      refused: 'too_much',
      ids: ['o1'],
    })
    expect(await call(first.url, 'o1')).toMatchObject({ placed: { replayed: true }, ids: ['o1'] })
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const second = await serve()
    expect(await call(second.url, 'o2')).toMatchObject({ ids: ['o1', 'o2'] })
    second.child.kill('SIGTERM')
    expect(await once(second.child, 'exit'), second.said).toEqual([0, null])
  })

  test('the example of the package’s own page serves', async () => {
    const variables = { PORT: '0', ADMIN_PORT: '0', DATA_DIR: join(home, 'tally') }
    const program = start('readme/embedded.ts', variables)
    const url = await waitFor(() => /tally at (http\S+),/.exec(program.said)?.[1], {
      what: `the embedded grid: ${program.said}`,
      timeoutMs: startMsMax,
    })
    const body = JSON.stringify({ name: 'a', by: 2 })
    const headers = { 'content-type': 'application/json' }
    const added = await fetch(`${url}/tally/commands/add`, { method: 'POST', headers, body })
    expect(await added.json()).toMatchObject({ result: { count: 2 } })
    const counted = await fetch(`${url}/tally/queries/count?name=a`)
    expect(await counted.json()).toMatchObject({ result: { name: 'a', count: 2 } })
    // docs/console.md: its page, with all that it is made of.
    const ask = (path: string) => fetch(url + path)
    const [client = ''] =
      /\/console\/modules\/[^']+/.exec(await (await ask('/console/client.js')).text()) ?? []
    const parts = ['', 'console.js', 'uplot.js', 'console.css', 'doc/overload.md']
    for (const path of ['/', client, ...parts.map((part) => `/console/${part}`)])
      expect((await ask(path)).status, path).toBe(200)
  })

  test('its command line makes a project that installs, is tested, checked and served', async () => {
    const cli = 'node_modules/spacegrid/lib/spacegrid/cli.js'
    expect(await node(cli, 'init', 'ticket-shop')).toMatchObject({ code: 0 })
    const project = join(home, 'ticket-shop')
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund']
    const installed = await run('npm', ['install', ...quiet], project)
    expect(installed.code, installed.output).toBe(0)
    const tested = await run(process.execPath, ['--test'], project)
    expect(tested.output).toMatch(/pass 2/)
    const checked = await run(process.execPath, [cli, 'check'], project)
    expect(checked).toEqual({
      code: 0,
      output: expect.stringMatching(/^ticketShop: caches items;/),
    })
    // With its own settings; the compiler and Node's types are the repository's.
    const typed = await run(
      process.execPath,
      [tool('typescript/bin/tsc'), '--typeRoots', join(root, 'node_modules/@types')],
      project,
    )
    expect(typed.code, typed.output).toBe(0)

    const space = join('ticket-shop', 'space.ts')
    const variables = { PORT: '0', ADMIN_PORT: '0', DATA_DIR: join(project, 'data') }
    const program = start(join('ticket-shop', cli), variables, [
      'start',
      space,
      '--json',
      '--watch',
    ])
    const found = await waitFor(() => /\{"spaces".*\}/.exec(program.said)?.[0], {
      what: `the project: ${program.said}`,
      timeoutMs: startMsMax,
    })
    expect(program.said, 'nothing to warn of').not.toContain('WARN')
    const { url } = JSON.parse(found) as { url: string }
    const stock = await fetch(`${url}/ticketShop/queries/stock?itemId=mug`)
    expect(await stock.json()).toMatchObject({ result: { left: 0 } })
    const file = join(project, 'space.ts')
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('({ left:', '({ version: 2, left:'),
    )
    await waitFor(() => program.said.includes('Started again in'), {
      what: `a restart: ${program.said}`,
      timeoutMs: startMsMax,
    })
    program.child.kill('SIGTERM')
    expect(await once(program.child, 'exit'), program.said).toEqual([0, null])
  })

  test('with a wrong setting of its own ends with one line and code 2', async () => {
    const program = start('embedded.ts', { AMOUNT_MAX: 'much' })
    expect(await once(program.child, 'close')).toEqual([2, null])
    expect(program.said).toBe('AMOUNT_MAX="much": allowed is an integer from 1\n')
  })

  test('runs as processes on real servers: its orders come to MongoDB', async () => {
    await using nats = await startNats()
    const database = uniqueName('package')
    const port = await findFreePort()
    const variables = {
      NATS_URL: nats.url,
      MONGODB_URL: inject('mongodbUrl'),
      MONGODB_DB: database,
      SPACES: 'shop',
      PORT: String(port),
      ADMIN_PORT: '0',
    }
    const roles = ['data-pump.ts', 'data-writer.ts', 'data-reader.ts', 'main.ts']
    const programs = roles.map((role) => start(role, variables))
    const said = () => programs.map((program) => program.said).join('\n')
    const url = `http://127.0.0.1:${port}`
    const answers = () => fetch(`${url}/openapi.json`).then(({ ok }) => ok)
    await waitFor(answers, { what: 'the unit', timeoutMs: startMsMax }).catch((error) => {
      throw new Error(`${error.message}\n${said()}`)
    })
    expect(await call(url, 'o1', 'persisted')).toMatchObject({ ids: ['o1'] })
    await using mongodb = new MongoClient(inject('mongodbUrl'))
    const stored = await mongodb.db(database).collection('shop.orders').findOne({})
    expect(stored, said()).toMatchObject({ _id: 'o1', customer: 'ann', amount: 3 })
    for (const { child } of programs) child.kill('SIGTERM')
    for (const { child } of programs)
      if (child.exitCode === null) expect(await once(child, 'exit'), said()).toEqual([0, null])
    await mongodb.db(database).dropDatabase()
  })
})
