import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { seatMapPage } from '@spacegrid/ticketing/seat-map/seat-map-page'
import type { Browser, Page } from 'playwright-core'
import { GridClient } from 'spacegrid/client'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

const isThere = browserProgram() !== undefined
if (!isThere) process.stderr.write('!!! SKIPPING the seat map page: there is no browser\n')
/** A folder for pictures of the page; not set: none are made. */
const pictures = process.env.SEAT_MAP_PICTURES
const running = new AsyncDisposableStack()

// Skipped: without a browser there is nothing to look at; said loudly above.
const run = test.skipIf(!isThere)

let cluster: ProcessCluster
let address: string

beforeAll(async () => {
  if (!isThere) return
  const page = seatMapPage().listen(0, '127.0.0.1')
  running.defer(() => void page.close())
  await once(page, 'listening')
  const origin = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
  cluster = await ProcessCluster.start({
    units: 2,
    application: repositoryApplication('ticketing'),
    dataDirectory: await temporaryFolder('seat-map'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: { CORS_ORIGINS: origin },
  })
  running.defer(() => cluster.stop())
  const sections = [
    { section: 'A', rows: 6, seatsPerRow: 20, price: 6500 },
    { section: 'B', rows: 8, seatsPerRow: 24, price: 4500 },
  ]
  await new GridClient(cluster.urls.http).command('ticketing', 'createEvent', {
    ...{ eventId: 'concert', name: 'Concert', startsAt: Date.now(), sections },
  })
  const asked = new URLSearchParams({ grid: cluster.urls.http, event: 'concert' })
  address = `${origin}/?${asked}`
}, 180_000)

afterAll(() => running.disposeAsync(), 60_000)

async function browse(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const browser = await startBrowser()
  running.defer(() => browser.close())
  const page = await browser.newPage(options)
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(address)
  await page.waitForSelector('[data-seat="A-1-1"][data-status="free"]', { timeout: 60_000 })
  return page
}

const seat = (id: string, status: string) => `[data-seat="${id}"][data-status="${status}"]`

/** @returns ms from the click in one browser to the change in the other, by the machine's clock */
async function holdSeenBy(from: Page, to: Page, id: string): Promise<number> {
  const seen = to.evaluate<number>(`new Promise((resolve) => {
    const look = () => document.querySelector('${seat(id, 'held')}') && resolve(Date.now())
    new MutationObserver(look).observe(document.body, { attributes: true, subtree: true })
    look()
  })`)
  const clicked = await from.evaluate<number>(`{
    const at = Date.now()
    document.querySelector('[data-seat="${id}"]').click()
    at
  }`)
  const at = await seen
  await from.waitForSelector(seat(id, 'mine'), { timeout: 30_000 })
  return at - clicked
}

/** The unit whose live query a browser follows. */
async function followedUnit(): Promise<ComponentProcess> {
  const units = cluster.components.filter(({ settings }) => settings.role === 'processing-unit')
  return await waitFor(
    async () => {
      for (const unit of units) {
        const metrics = await fetch(`http://127.0.0.1:${unit.settings.adminPort}/metrics`)
        if (/^spacegrid_live_queries\S* [1-9]/m.test(await metrics.text())) return unit
      }
      return undefined
    },
    { what: 'a unit that is followed', timeoutMs: 30_000 },
  )
}

run(
  'a hold made in one browser shows in the other, also when its unit has been killed',
  { timeout: 240_000 },
  async () => {
    const ada = await browse()
    const unit = await followedUnit()
    const ben = await browse({ colorScheme: 'dark', viewport: { width: 390, height: 844 } })
    const latencies: number[] = []
    for (let at = 1; at <= 7; at++) latencies.push(await holdSeenBy(ada, ben, `A-1-${at}`))
    expect(await ada.textContent('#mine')).toBe('7')
    expect(await ben.textContent('#held')).toBe('7')
    // What the other one holds cannot be had.
    await ben.click('[data-seat="A-1-1"]')
    await ben.waitForSelector(seat('A-1-1', 'held'))
    latencies.sort((a, b) => a - b)
    process.stderr.write(`A hold shows in another browser after ${latencies.join(', ')} ms\n`)
    if (pictures !== undefined) {
      await ada.screenshot({ path: `${pictures}/light.png` })
      await ben.screenshot({ path: `${pictures}/phone-dark.png` })
    }
    unit.kill('SIGKILL')
    await unit.gone
    // Whichever of them was connected to it, both see each other again.
    await holdSeenBy(ben, ada, 'B-2-3')
    await holdSeenBy(ada, ben, 'B-3-4')
    await ada.click('#release')
    await ben.waitForSelector(seat('A-1-1', 'free'), { timeout: 30_000 })
    await ada.waitForSelector(seat('B-2-3', 'held'))
    if (pictures !== undefined) await ben.screenshot({ path: `${pictures}/phone-after.png` })
  },
)
