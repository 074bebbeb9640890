import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { Browser, Page } from 'playwright-core'
import { GridClient } from 'spacegrid/client'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * The console as a newcomer meets it: the embedded grid is started, the page is opened in a real
 * browser, "Start a spike" is pressed.
 */

const isThere = browserProgram() !== undefined
if (!isThere) process.stderr.write('!!! SKIPPING the console: there is no browser\n')
/** A folder for pictures of the page; not set: none are made. */
const pictures = process.env.CONSOLE_PICTURES
const root = fileURLToPath(new URL('..', import.meta.url))
const spaces = ['ticketing', 'auction'].map((name) =>
  join(root, 'processing-units', name, 'space.ts'),
)
const timeout = 300_000

// Skipped: without a browser there is nothing to look at; said loudly above.
const run = test.skipIf(!isThere)

let browser: Browser
let grid: ChildProcess
let url: string
let environment: NodeJS.ProcessEnv

async function startGrid(): Promise<void> {
  grid = spawn(process.execPath, [spacegridProgram, 'start', ...spaces], {
    env: environment,
    stdio: 'ignore',
  })
  const answers = () =>
    fetch(`${url}/openapi.json`).then(
      ({ ok }) => ok,
      () => false,
    )
  await waitFor(answers, { what: 'the grid', timeoutMs: 60_000 })
}

beforeAll(async () => {
  if (!isThere) return
  const [port, adminPort] = [await findFreePort(), await findFreePort()]
  url = `http://127.0.0.1:${port}`
  environment = {
    ...process.env,
    ...{ NATS_URL: '', MONGODB_URL: '', REDIS_URL: '', CONSOLE_TOKEN: '' },
    ...{ DATA_DIR: await temporaryFolder('console'), PORT: `${port}`, ADMIN_PORT: `${adminPort}` },
  }
  await startGrid()
  browser = await startBrowser()
}, timeout)

afterAll(async () => {
  await browser?.close()
  grid?.kill('SIGKILL')
})

/** What went wrong on a page, of which nothing should. */
const faults: string[] = []

async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1360, height: 1000 }, ...options })
  page.on('pageerror', (error) => faults.push(String(error.stack)))
  page.on('console', (message) => {
    // What the network does to a page that has lost its grid is no fault of the page.
    if (message.type() === 'error' && !/Failed to load resource|ERR_/.test(message.text()))
      faults.push(message.text())
  })
  await page.goto(url)
  await page.waitForSelector('#connection[data-state="live"]')
  await page.waitForSelector('#processes [data-state="ready"]')
  return page
}

async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage })
}

const figure = async (page: Page, selector: string): Promise<number> =>
  Number(((await page.textContent(selector)) ?? '').replace(/[^\d.]/g, ''))

const isShown = (page: Page, selector: string, least: number) =>
  waitFor(async () => (await figure(page, selector)) >= least, {
    what: `${selector} to reach ${least}`,
    timeoutMs: 90_000,
  })

/** Pixels of the first chart that are not those of an empty one. */
const drawn = (page: Page): Promise<string> =>
  page.evaluate(`document.querySelector('.charts canvas').toDataURL()`)

run(
  'a spike: charts move, seats fill, a price climbs, and what was bought is audited',
  { timeout },
  async () => {
    const page = await open()
    expect(await page.textContent('#story')).toContain('4 units ready')
    await page.waitForSelector('#seats .empty:not([hidden])')
    await picture(page, 'start')
    const before = await drawn(page)
    await page.selectOption('#size', 'small')
    await page.click('#spike-button')
    await page.waitForSelector('#spike-button[data-phase="running"]', { timeout: 60_000 })
    await isShown(page, '#tiles > div:first-child b', 1)
    await isShown(page, '.legend [data-status="sold"] b', 10)
    await isShown(page, '#auction .price', 10.01)
    expect(await drawn(page)).not.toBe(before)
    await picture(page, 'spike')
    await page.waitForSelector('#spike-button[data-phase="idle"]', { timeout: 180_000 })
    const results = await page.locator('.result').allTextContents()
    expect(results.length).toBe(2)
    for (const result of results) expect(result).toContain('audit passed')
    await page.close()
  },
)

run('a visitor holds a seat and buys it, and places a bid', { timeout }, async () => {
  const client = new GridClient(url)
  const sections = [{ section: 'A', rows: 2, seatsPerRow: 5, price: 100 }]
  await client.command('ticketing', 'createEvent', {
    ...{ eventId: 'tiny', name: 'A tiny event', startsAt: Date.now(), sections },
  })
  const page = await open()
  await page.selectOption('#seats select', 'tiny')
  await page.click('[aria-label="Seat A-1-2, free"]')
  await page.waitForSelector('[aria-label="Seat A-1-2, yours"]')
  // By keys: one stop for the section, arrows within it.
  await page.focus('[aria-label="Seat A-1-1, free"]')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[aria-label="Seat A-2-1, yours"]')
  await page.click('.basket .primary')
  await page.waitForSelector('[aria-label="Seat A-1-2, sold"]')
  await page.waitForSelector('.basket[hidden]', { state: 'attached' })
  const { result } = await client.query('ticketing', 'availability', { eventId: 'tiny' })
  expect(result).toMatchObject({ sections: [{ sold: 2, free: 8 }] })

  await client.command('auction', 'openAuction', {
    ...{ auctionId: 'vase', title: 'A vase', startingPrice: 500, minimumIncrement: 100 },
    endsAt: Date.now() + 3_600_000,
  })
  await page.selectOption('#auction select', 'vase')
  await page.click('text=Bid 5.00')
  await page.waitForSelector('text=1 bid, the highest by you')
  await page.close()
})

run('texts of the grid are texts, whatever they say', { timeout }, async () => {
  const hostile = `<img src=x onerror="document.title='taken'">`
  const title = `${hostile}<script>document.title='taken'</script>`
  const client = new GridClient(url)
  await client.command('auction', 'openAuction', {
    ...{ auctionId: hostile, title, startingPrice: 1, minimumIncrement: 1 },
    endsAt: Date.now() + 3_600_000,
  })
  await client.command('auction', 'placeBid', { auctionId: hostile, bidderId: hostile, amount: 5 })
  const page = await open()
  await page.selectOption('#auction select', hostile)
  await page.waitForSelector('text=1 bid, the highest by <img')
  await page.selectOption('#panel-entries [name=space]', 'auction')
  await page.waitForSelector('#panel-entries >> text=<script>')
  await page.click('#tab-query')
  await page.selectOption('#panel-query [name=space]', 'auction')
  await page.fill('#panel-query textarea', JSON.stringify({ auctionId: hostile }))
  await page.selectOption('#panel-query [name=query]', 'auction')
  await page.fill('#panel-query textarea', JSON.stringify({ auctionId: hostile }))
  await page.click('#panel-query >> text=Ask')
  await page.waitForSelector('#panel-query pre >> text=onerror')
  await page.waitForSelector('#panel-query .explanation')
  expect(await page.title()).toBe('Spacegrid console')
  expect(await page.locator('main img').count()).toBe(0)
  await page.close()
})

run(
  'nobody is kept from it: no violation in either theme, wide or narrow',
  { timeout },
  async () => {
    const axe = await readFile(
      createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
      'utf8',
    )
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1360, 390]) {
        const page = await open({ colorScheme, viewport: { width, height: 900 } })
        await page.waitForSelector('.seat')
        await page.evaluate(axe)
        const violations = await page.evaluate(
          `axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 4).map(({ html, failureSummary }) => html.slice(0, 160) + ' ' + failureSummary).join(' | ')))`,
        )
        expect(violations, `${colorScheme}, ${width} wide`).toEqual([])
        const wide = await page.evaluate('document.documentElement.scrollWidth')
        expect(wide, 'nothing is cut off').toBe(width)
        await picture(page, `${colorScheme}-${width}`, true)
        await page.close()
      }
  },
)

run('a unit is stopped and another one added', { timeout }, async () => {
  const page = await open()
  await page.click('[aria-label="Stop ticketing-1"]')
  await page.waitForSelector('tr:has-text("ticketing-1")', { state: 'detached' })
  await isShown(page, '#tiles > div:last-child b', 33)
  expect(await page.textContent('#tiles > div:last-child b')).toBe('3/3')
  await page.click('#add')
  await page.waitForSelector('#acted >> text=ticketing-1 serves')
  await page.waitForSelector('[aria-label="Stop ticketing-1"]')
  await page.close()
})

run('says when it is disconnected, and is back by itself', { timeout }, async () => {
  const page = await open()
  grid.kill('SIGKILL')
  await once(grid, 'exit')
  await page.waitForSelector('#connection[data-state="lost"]')
  await page.waitForSelector('#stale >> text=What you see is as of')
  await picture(page, 'disconnected')
  await startGrid()
  await page.waitForSelector('#connection[data-state="live"]', { timeout: 60_000 })
  await page.waitForSelector('#stale[hidden]', { state: 'attached' })
  // The page of before is one of this run's as well: what it was told has come anew.
  await page.click('[aria-label="Stop auction-2"]')
  await page.waitForSelector('tr:has-text("auction-2")', { state: 'detached' })
  await page.close()
  expect(faults).toEqual([])
})
