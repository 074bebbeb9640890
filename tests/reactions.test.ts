import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { operatorsCredential, violations } from '@spacegrid/proof/support/closed-grid'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'
import { expect, test } from 'vitest'

const file = fileURLToPath(new URL('./reacting-application/space.ts', import.meta.url))
const giveUpMs = 60_000

/** A grid that runs, and how its operators reach it. */
interface Running {
  readonly client: PatientClient
  readonly where: readonly string[]
  readonly folder: string
}

async function reactions({ where, folder }: Running, ...words: readonly string[]) {
  const environment = { DATA_DIR: folder }
  return await spacegridCommand(['reactions', ...words, ...where], { environment })
}

async function list(of: Running) {
  const { code, output, errors } = await reactions(of, 'list', '--json')
  expect([code, errors]).toEqual([0, ''])
  return JSON.parse(output) as {
    readonly total: number
    readonly entries: readonly { readonly id: string; readonly state: string }[]
  }
}

const timesOf = async ({ client }: Running, id: string) => {
  const answer = await client.untilAnswered(
    () => client.query('warehouse', 'times', { id }),
    giveUpMs,
  )
  return answer?.body.result?.times
}

async function order({ client }: Running, id: string, item: string): Promise<void> {
  const answer = await client.persist('shop', 'place', { id, item }, giveUpMs, `order of ${id}`)
  expect(answer?.status).toBe(200)
}

const until = (what: string, condition: () => Promise<boolean>) =>
  waitUntil(condition, { timeoutMs: 60_000, what })

/** From the orders to what operators do with those that could not be packed. */
async function operate(grid: Running, hurt: () => Promise<void>): Promise<void> {
  const books = Array.from({ length: 12 }, (_, at) => `book-${at}`)
  const pianos = ['piano-1', 'piano-2', 'piano-3']
  await Promise.all(books.map((id) => order(grid, id, 'book')))
  await Promise.all(pianos.map((id) => order(grid, id, 'piano')))
  await hurt()
  for (const id of books)
    await until(`${id} to be packed`, async () => (await timesOf(grid, id)) === 1)
  await until('three dead letters', async () => (await list(grid)).total === 3)
  const { entries } = await list(grid)
  const [first = '', ...rest] = entries.map(({ id }) => id)

  const table = await reactions(grid, 'list')
  expect(table.output).toMatch(/^ID +SPACE +REACTION +KEY +STATE +NEXT +ATTEMPTS +EMITTED +FAULT\n/)
  expect(table.output).toMatch(/ shop +packing +- +dead +packing +\d+ +\S+ +packing: too_heavy\n/)
  const shown = await reactions(grid, 'show', first)
  expect(shown.output).toMatch(/^event +OrderPlaced, emitted /m)
  expect(shown.output).toContain('"item": "piano"')
  const item = JSON.parse((await reactions(grid, 'show', first, '--json')).output)
  const dropped: string = item.entry.payload.id

  expect(await reactions(grid, 'drop', first)).toMatchObject({
    ...{ code: 0, output: '1 dead letter is dropped.\n' },
  })
  expect(await reactions(grid, 'show', first)).toMatchObject({ code: 1 })
  expect(await reactions(grid, 'replay', first)).toMatchObject({
    ...{ code: 1, errors: `No dead letter (any more): ${first}\n` },
  })
  for (const id of pianos) {
    const sent = await grid.client.persist('warehouse', 'sendCrane', { id }, giveUpMs)
    expect(sent?.status).toBe(200)
  }
  expect(await reactions(grid, 'replay', '--all')).toMatchObject({
    ...{ code: 0, output: `${rest.length} dead letters are tried again.\n` },
  })
  for (const id of pianos.filter((it) => it !== dropped))
    await until(`${id} to be packed`, async () => (await timesOf(grid, id)) === 1)
  expect(await timesOf(grid, dropped)).toBe(0)
  await until('no dead letter', async () => (await list(grid)).total === 0)
  for (const id of books) expect(await timesOf(grid, id)).toBe(1)
}

test('in one process, which is killed: nothing is forgotten or doubled', {
  timeout: 480_000,
}, async () => {
  const folder = await temporaryFolder('reactions')
  const [port, adminPort] = [await findFreePort(), await findFreePort()]
  let child: ChildProcess | undefined
  const start = async () => {
    const ports = { PORT: String(port), ADMIN_PORT: String(adminPort) }
    child = spawn(process.execPath, [spacegridProgram, 'start', file], {
      env: { ...process.env, ...ports, DATA_DIR: folder, LOG_LEVEL: 'error' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    const ready = `http://127.0.0.1:${adminPort}/health/ready`
    await waitUntil(async () => (await fetch(ready)).ok, {
      ...{ timeoutMs: 60_000, what: 'the grid to be ready' },
    })
  }
  const kill = async () => {
    const gone = child && once(child, 'exit')
    child?.kill('SIGKILL')
    await gone
  }
  await start()
  const client = new PatientClient(`http://127.0.0.1:${port}`)
  const where = ['--url', `http://127.0.0.1:${adminPort}`]
  try {
    await operate({ client, where, folder }, async () => {
      await kill()
      await start()
    })
  } finally {
    await client.close()
    await kill()
  }
})

test('on real servers, whose units are killed: nothing is forgotten or doubled', {
  timeout: 480_000,
}, async () => {
  const folder = await temporaryFolder('reactions')
  const cluster = await ProcessCluster.start({
    units: 2,
    application: {
      files: [file],
      spaces: ['warehouse', 'shop'],
      partitions: { warehouse: 2, shop: 2 },
    },
    dataDirectory: folder,
    port: await findFreePort(),
    serverPorts: 'free',
    // Everybody may say what he has to, and nothing else.
    secure: true,
  })
  const client = new PatientClient(cluster.urls.http, {
    credential: await operatorsCredential(folder),
  })
  try {
    await operate({ client, where: [], folder }, async () => {
      for (const unit of cluster.units) unit.kill('SIGKILL')
      await Promise.all(cluster.units.map(({ gone }) => gone))
      await Promise.all([...cluster.units].map((unit) => cluster.restart(unit)))
    })
    expect(await violations(folder)).toEqual([])
  } finally {
    await client.close()
    await cluster.stop()
  }
})
