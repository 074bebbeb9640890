import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { Browser, Page } from 'playwright-core'
import { GridClient, type LinePlace } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Whom a line has room for. */
const inside = 10
/** At a time: more than there is room for. */
const visitingMax = 3 * inside
/** A folder for pictures of the page; not set: none are made. */
const pictures = process.env.WAITING_ROOM_PICTURES
const running = new AsyncDisposableStack()

let cluster: ProcessCluster
let seller: GridClient

beforeAll(async () => {
  cluster = await ProcessCluster.start({
    units: 2,
    waitingRooms: 2,
    application: repositoryApplication('ticketing'),
    dataDirectory: await temporaryFolder('waiting-room'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: {
      WAITING_ROOM: 'ticketing/concert,ticketing/opera',
      WAITING_ROOM_LANES: 'accessible:1:open,general:4',
      WAITING_ROOM_INSIDE: String(inside),
      WAITING_ROOM_INSIDE_MAX: String(inside),
    },
  })
  running.defer(() => cluster.stop())
  seller = new GridClient(cluster.urls.http)
  running.defer(() => seller.stop())
  for (const eventId of ['concert', 'opera'])
    await seller.command('ticketing', 'createEvent', {
      ...{ eventId, name: eventId, startsAt: Date.now() },
      sections: [{ section: 'A', rows: 20, seatsPerRow: 20, price: 4500 }],
    })
}, 180_000)

afterAll(() => running.disposeAsync(), 60_000)

interface Visit {
  /** ms, when the visitor came, when their place was told, and until when they were let in. */
  readonly cameAt: number
  readonly toldAt: number
  readonly place: LinePlace
  readonly orderId: string
}

/** Somebody who buys one ticket, however long that takes. */
async function buyTicket(name: string): Promise<Visit> {
  const cameAt = performance.now()
  let toldAt = 0
  let place: LinePlace | undefined
  const client = new GridClient(cluster.urls.http, {
    retry: { retriesMax: 100, retryAfterMaxMs: 60_000 },
    timeoutMs: 3000,
    waitingRoom: {
      told: (one) => {
        if (place?.number !== one.number) toldAt = performance.now()
        place = one
      },
    },
  })
  const { result } = await client.command('ticketing', 'holdBestAvailable', {
    ...{ eventId: 'concert', section: 'A', quantity: 1, customerId: name },
  })
  const { holdId } = result as { readonly holdId: string }
  const paid = { holdId, paymentReference: name }
  const order = await client.command('ticketing', 'confirmHold', paid)
  await client.stop()
  if (!place) throw new Error(`${name} came in without a place in line`)
  const { orderId } = order.result as { readonly orderId: string }
  return { cameAt, toldAt, place, orderId }
}

const soldOf = async (eventId: string): Promise<number> => {
  const { result } = await seller.query(
    'ticketing',
    'availability',
    { eventId },
    { from: 'latest' },
  )
  const { sections } = result as { readonly sections: readonly { readonly sold: number }[] }
  return sections.reduce((sum, { sold }) => sum + sold, 0)
}

test('whichever process is killed, whoever came first is let in first, and everybody buys once', {
  timeout: 240_000,
}, async () => {
  const visits: Promise<Visit>[] = []
  let visiting = 0
  let isOver = false
  const arrivals = (async () => {
    while (!isOver) {
      if (visiting < visitingMax) {
        const visit = buyTicket(`customer-${visits.length + 1}`)
        visits.push(visit)
        visiting++
        visit.finally(() => visiting--).catch(() => undefined)
      }
      await new Promise((wake) => setTimeout(wake, 100))
    }
  })()
  const { components } = cluster
  const data = components.filter(({ settings }) => settings.role.startsWith('data-'))
  const serving = components.filter((component) => !data.includes(component))
  // Those who serve one after the other: somebody has to be there.
  for (const killed of [...serving.map((component) => [component]), data])
    await Promise.all(
      killed.map(async (component) => {
        component.kill('SIGKILL')
        await component.gone
        await cluster.restart(component)
      }),
    )
  isOver = true
  await arrivals
  const bought = await Promise.all(visits)
  expect(bought.length).toBeGreaterThan(2 * inside)
  expect(new Set(bought.map(({ orderId }) => orderId)).size).toBe(bought.length)
  expect(await soldOf('concert')).toBe(bought.length)
  // A place is one visitor's, and turns come in the order of the places.
  const byNumber = bought.toSorted((one, other) => one.place.number - other.place.number)
  const turns = byNumber.map(({ place }) => place.until ?? 0)
  expect(new Set(byNumber.map(({ place }) => place.number)).size).toBe(bought.length)
  expect(turns).toEqual(turns.toSorted((one, other) => one - other))
  // Whoever came when somebody else already had a place has a later one.
  const early = bought.flatMap((one) =>
    bought
      .filter((other) => one.toldAt < other.cameAt && one.place.number > other.place.number)
      .map((other) => `${one.place.number} was told before ${other.place.number} came`),
  )
  expect(early).toEqual([])
})

const isThere = browserProgram() !== undefined
if (!isThere)
  process.stderr.write('!!! SKIPPING the page of the waiting room: there is no browser\n')

// Skipped: without a browser there is nothing to look at; said loudly above.
describe.skipIf(!isThere)('the page', () => {
  let browser: Browser
  /** Tickets of those who fill the room. */
  const tickets: string[] = []
  const address = () => `${cluster.urls.waitingRoom}/waiting-room/ticketing/opera`

  beforeAll(async () => {
    browser = await startBrowser()
    running.defer(() => browser.close())
    for (let at = 0; at < inside; at++) tickets.push(await joinByProgram())
    for (const ticket of tickets) await comesIn(ticket)
  }, 60_000)

  async function joinByProgram(): Promise<string> {
    const response = await fetch(address(), { method: 'POST' })
    return ((await response.json()) as { readonly ticket: string }).ticket
  }

  function comesIn(ticket: string): Promise<boolean> {
    return waitFor(
      async () => {
        const response = await fetch(address(), { headers: { 'grid-ticket': ticket } })
        return ((await response.json()) as { readonly state: string }).state === 'admitted'
      },
      { what: 'a turn', timeoutMs: 30_000 },
    )
  }

  /** One of those inside has enough. */
  const leave = () =>
    fetch(address(), { method: 'DELETE', headers: { 'grid-ticket': tickets.shift() ?? '' } })

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png` })
  }

  test('keeps itself up to date, and says when it is time, with JavaScript', {
    timeout: 120_000,
  }, async () => {
    const page = await browser.newPage()
    page.on('pageerror', (error) => {
      throw error
    })
    page.on('console', (message) => {
      if (message.type() === 'error') throw new Error(message.text())
    })
    await page.goto(address())
    await picture(page, 'outside-light')
    await page.getByRole('button', { name: 'Join the line', exact: true }).click()
    await page.getByRole('heading', { name: 'You are in line' }).waitFor()
    // The ticket is in a cookie: it need not stand in the address.
    expect(page.url()).toBe(address())
    await picture(page, 'waiting-light')
    const loads: string[] = []
    page.on('load', () => loads.push(page.url()))
    await new Promise((wake) => setTimeout(wake, 3000))
    expect(loads).toEqual([])
    await leave()
    await page.getByRole('heading', { name: 'It is your turn' }).waitFor()
    await picture(page, 'admitted-light')
    // What is behind the line is open to the same browser.
    const held = await page.request.post(
      `${cluster.urls.http}/ticketing/commands/holdBestAvailable`,
      {
        data: { eventId: 'opera', section: 'A', quantity: 1, customerId: 'ada' },
      },
    )
    expect(held.status()).toBe(200)
    await page.getByRole('button', { name: 'I do not want to any more' }).click()
    await page.getByRole('heading', { name: 'There is a line' }).waitFor()
    await page.close()
  })

  test('does without JavaScript, on a phone', { timeout: 120_000 }, async () => {
    const context = await browser.newContext({
      ...{ javaScriptEnabled: false, colorScheme: 'dark' },
      viewport: { width: 360, height: 740 },
    })
    const page = await context.newPage()
    const first = await joinByProgram()
    await comesIn(first)
    tickets.push(first)
    await page.goto(address())
    await picture(page, 'outside-phone-dark')
    await page.getByRole('button', { name: 'Join: accessible' }).click()
    await page.getByRole('heading', { name: 'You are in line' }).waitFor()
    expect(await page.locator('noscript meta[http-equiv=refresh]').count()).toBe(1)
    await picture(page, 'waiting-phone-dark')
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(360)
    await leave()
    await page.getByRole('heading', { name: 'It is your turn' }).waitFor({ timeout: 60_000 })
    await picture(page, 'admitted-phone-dark')
    await context.close()
  })
})
