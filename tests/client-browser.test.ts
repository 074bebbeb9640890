import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { Browser, Page } from 'playwright-core'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

/*
 * The client in a real browser, on a page of another origin, as it is written: module by module,
 * without a bundler. Whatever a browser does not have does not load.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const space = join(root, 'processing-units/auction/space.ts')
const timeout = 120_000

const page = `<!doctype html><title>Clients</title>
<script type="importmap">{"imports": {"@spacegrid/grid/": "/grid/"}}</script>
<script type="module">
  import * as client from '/spacegrid/client/index.ts'
  window.spacegrid = client
</script>`

/** What the page is told to do there. */
interface OnPage {
  readonly spacegrid: typeof import('spacegrid/client')
  client: import('spacegrid/client').GridClient
  readonly told: { kind: string; name?: string }[]
  /** Of a live query. */
  readonly answers: unknown[]
}

let modules: Server
let origin = ''
const loaded: string[] = []
let browser: Browser

beforeAll(async () => {
  if (browserProgram() === undefined) return
  modules = createServer(async (request, response) => {
    const path = request.url ?? '/'
    if (path === '/') return void response.setHeader('content-type', 'text/html').end(page)
    try {
      const file = join(root, path.endsWith('.ts') ? path : `${path}.ts`)
      const code = stripTypeScriptTypes(await readFile(file, 'utf8'))
      loaded.push(path)
      response.setHeader('content-type', 'text/javascript').end(code)
    } catch {
      response.writeHead(404).end()
    }
  })
  modules.listen(0, '127.0.0.1')
  await once(modules, 'listening')
  origin = `http://127.0.0.1:${(modules.address() as AddressInfo).port}`
  browser = await startBrowser()
}, timeout)

afterAll(async () => {
  await browser?.close()
  modules?.close()
})

async function startGrid(folder: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [spacegridProgram, 'start', space], {
    env: {
      ...process.env,
      ...{ NATS_URL: '', MONGODB_URL: '', REDIS_URL: '', DATA_DIR: folder, PORT: `${port}` },
      ...{ ADMIN_PORT: `${await findFreePort()}`, CORS_ORIGINS: origin },
    },
    stdio: 'ignore',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function openPage(url: string): Promise<Page> {
  const opened = await browser.newPage()
  const wrong: string[] = []
  opened.on('pageerror', (error) => wrong.push(error.message))
  opened.on('requestfailed', (request) => wrong.push(request.url()))
  await opened.goto(origin)
  await waitFor(
    async () =>
      wrong.length > 0 || (await opened.evaluate('window.spacegrid !== undefined')) === true,
    { what: 'the client to load' },
  )
  expect(wrong).toEqual([])
  await opened.evaluate((grid) => {
    const here = globalThis as unknown as OnPage
    // The grid may be away for as long as it takes to start.
    const retry = { retriesMax: 100, retryAfterMaxMs: 10_000 }
    Object.assign(here, {
      client: new here.spacegrid.GridClient(grid, { retry }),
      told: [],
      answers: [],
    })
  }, url)
  return opened
}

// Skipped: where there is no Chromium (CHROMIUM_BINARY, or on PATH) there is nothing to try it in.
test.skipIf(browserProgram() === undefined)(
  'a page gives commands, reads its own writes and follows events, through a kill -9 of the grid',
  { timeout },
  async () => {
    const folder = await temporaryFolder('browser')
    const port = await findFreePort()
    const url = `http://127.0.0.1:${port}`
    const first = await startGrid(folder, port)
    const answers = () =>
      fetch(`${url}/openapi.json`).then(
        ({ ok }) => ok,
        () => false,
      )
    await waitFor(answers, { what: 'the grid', timeoutMs: 60_000 })
    const opened = await openPage(url)
    expect(loaded).toContain('/spacegrid/client/index.ts')

    const told = await opened.evaluate(async () => {
      const here = globalThis as unknown as OnPage
      const { client, spacegrid } = here
      const session = client.session()
      const lot = { auctionId: 'a', title: 'A', startingPrice: 10, minimumIncrement: 1 }
      const endsAt = Date.now() + 3_600_000
      const { position } = await session.command('auction', 'openAuction', { ...lot, endsAt })
      const follow = async () => {
        for await (const event of client.events('auction', { lastEventId: String(position) }))
          here.told.push(event)
      }
      follow().catch((error: unknown) => here.told.push({ kind: String(error) }))
      const watch = async () => {
        for await (const { result } of client.live('auction', 'auction', { auctionId: 'a' }))
          if (result) here.answers.push(result)
      }
      watch().catch((error: unknown) => here.answers.push({ error: String(error) }))
      const bid = { auctionId: 'a', bidderId: 'ann', amount: 12 }
      const key = { idempotencyKey: 'bid-1' }
      const bidden = await session.command('auction', 'placeBid', bid, key)
      const again = await session.command('auction', 'placeBid', bid, key)
      const low = await session.command('auction', 'placeBid', bid).catch((error) => error)
      const read = await session.query('auction', 'auction', { auctionId: 'a' })
      return {
        replayed: [bidden.replayed, again.replayed],
        refused: [low instanceof spacegrid.Rejection, low.reason],
        found: read.result,
      }
    })
    expect(told).toMatchObject({
      replayed: [false, true],
      refused: [true, 'bid_too_low'],
      found: { auctionId: 'a' },
    })
    const eventsTold = () =>
      opened.evaluate(() =>
        (globalThis as unknown as OnPage).told.map(({ kind, name }) => name ?? kind),
      )
    await waitFor(async () => (await eventsTold()).includes('BidPlaced'), { what: 'the first bid' })
    expect(await eventsTold()).toEqual(['BidPlaced'])

    first.kill('SIGKILL')
    await once(first, 'exit')
    const bid = (amount: number) =>
      opened.evaluate(async (more) => {
        const { client } = globalThis as unknown as OnPage
        const made = { auctionId: 'a', bidderId: 'bob', amount: more }
        return (await client.command('auction', 'placeBid', made)).replayed
      }, amount)
    const whileAway = bid(20)
    await startGrid(folder, port)
    expect(await whileAway).toBe(false)
    // What was remembered has gone with the process; the change queue has it still.
    await bid(30)
    await waitFor(async () => (await eventsTold()).length > 2, { what: 'the last bid' })
    expect(await eventsTold()).toEqual(['BidPlaced', 'BidPlaced', 'BidPlaced'])
    const lastAnswer = () =>
      opened.evaluate(() => JSON.stringify((globalThis as unknown as OnPage).answers.at(-1)))
    await waitFor(async () => (await lastAnswer()).includes('30'), { what: 'the live answer' })
  },
)
