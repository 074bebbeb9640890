import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { GridClient } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { driveFor } from 'spacegrid/console/cluster-driving'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * The console as a process of its own beside a grid of processes: it hears of them over NATS, and
 * whoever has started them does what its buttons say.
 */

/** A folder for pictures of the page; not set: none are made, and no browser is needed. */
const pictures = process.env.CONSOLE_PICTURES
const timeout = 240_000

interface Seen {
  readonly processes: readonly {
    readonly name: string
    readonly role: string
    readonly state: string
  }[]
  readonly alarms: readonly { readonly id: string }[]
  readonly spaces: readonly {
    readonly space: string
    readonly unitsReady: number
    readonly entries: number
  }[]
  readonly control: {
    readonly add: true | string
    readonly units: Readonly<Record<string, readonly string[]>>
  }
}

let cluster: ProcessCluster
let consoleUrl: string
let pageToken = ''
let seen: Seen | undefined
let stream: IncomingMessage

beforeAll(async () => {
  cluster = await ProcessCluster.start({
    units: 2,
    console: true,
    application: repositoryApplication('ticketing'),
    dataDirectory: await temporaryFolder('console-cluster'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: { CONSOLE_TOKEN: '' },
  })
  driveFor(cluster)
  consoleUrl = cluster.urls.console ?? ''
  const sent = request(`${consoleUrl}/console/live`).end()
  ;[stream] = (await once(sent, 'response')) as [IncomingMessage]
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    rest += text
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const [, event, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(rest.slice(0, end)) ?? []
      if (event === 'hello') ({ pageToken } = JSON.parse(data) as { pageToken: string })
      if (event === 'snapshot') seen = JSON.parse(data) as Seen
      rest = rest.slice(end + 2)
    }
  })
}, timeout)

afterAll(async () => {
  stream?.destroy()
  await cluster?.stop()
}, 60_000)

const headers = () => ({ origin: consoleUrl, 'x-console-token': pageToken })

async function act(asked: object): Promise<number> {
  const options = { method: 'POST', headers: headers(), body: JSON.stringify(asked) }
  return (await fetch(`${consoleUrl}/console/actions`, options)).status
}

const until = (what: string, holds: (now: Seen) => boolean) =>
  waitFor(() => seen !== undefined && holds(seen), { what, timeoutMs: 60_000 })

const stateOf = (name: string) => seen?.processes.find((one) => one.name === name)?.state
const alarm = (id: string) => seen?.alarms.some((one) => one.id === id)

test('every process is seen, and units are killed, started, added and stopped', {
  timeout,
}, async () => {
  await until(
    'all of them',
    ({ processes }) => processes.filter(({ state }) => state === 'ready').length === 5,
  )
  await until(
    'what can be done',
    ({ control }) => control.units['ticketing-1']?.includes('kill') === true,
  )
  expect(await act({ action: 'kill', unit: 'ticketing-1' })).toBe(200)
  await until(
    'the gap',
    () => stateOf('ticketing-1') === 'silent' && alarm('silent ticketing-1') === true,
  )
  expect(await act({ action: 'kill', unit: 'ticketing-1' })).toBe(409)
  expect(await act({ action: 'start', unit: 'ticketing-1' })).toBe(200)
  await until('it again', () => stateOf('ticketing-1') === 'ready' && !alarm('silent ticketing-1'))
  expect(await act({ action: 'add' })).toBe(200)
  await until('the third', ({ spaces: [space] }) => space?.unitsReady === 3)
  // In good order: nobody is alarmed.
  expect(await act({ action: 'stop', unit: 'ticketing-3' })).toBe(200)
  await until('the end', () => stateOf('ticketing-3') === 'stopped')
  expect(alarm('silent ticketing-3')).toBe(false)
})

test('visitors reach the grid through it, and operators its entries', { timeout }, async () => {
  const client = new GridClient(`${consoleUrl}/console/grid`, { headers: headers() })
  const sections = [{ section: 'A', rows: 1, seatsPerRow: 5, price: 100 }]
  const event = { eventId: 'one', name: 'One', startsAt: Date.now(), sections }
  const { result } = await client.command('ticketing', 'createEvent', event)
  expect(result).toEqual({ seats: 5 })
  const answer = await fetch(`${consoleUrl}/console/entries?space=ticketing&cache=events`)
  expect(await answer.json()).toMatchObject({ count: 1, entries: [{ key: 'one' }] })
  await until('its entries', ({ spaces: [space] }) => (space?.entries ?? 0) > 5)
  const live = client.live('ticketing', 'availability', { eventId: 'one' })
  expect((await live.next()).value).toMatchObject({ result: { sections: [{ free: 5 }] } })
  await live.return()
})

// Pictures are made when somebody wants them (CONSOLE_PICTURES), not to prove anything.
if (pictures !== undefined && browserProgram() !== undefined)
  test('pictures of the story: at rest, in a spike, a unit killed in it, and recovered', {
    timeout,
  }, async () => {
    const browser = await startBrowser()
    const page = await browser.newPage({ viewport: { width: 1360, height: 1000 } })
    const picture = (name: string) =>
      page.screenshot({ path: `${pictures}/console-${name}.jpg`, quality: 82 })
    const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))
    expect(await act({ action: 'start', unit: 'ticketing-3' })).toBe(200)
    await until('all three', ({ spaces: [space] }) => space?.unitsReady === 3)
    const client = new GridClient(`${consoleUrl}/console/grid`, { headers: headers() })
    const sections = ['A', 'B', 'C'].map((section) => ({
      ...{ section, rows: 5, seatsPerRow: 20, price: 4500 },
    }))
    const event = { eventId: 'tonight', name: 'Tonight', startsAt: Date.now(), sections }
    await client.command('ticketing', 'createEvent', event)
    await page.goto(consoleUrl)
    await page.waitForSelector('.seat')
    await pause(4000)
    await picture('start')
    await page.click('#spike-button')
    await page.waitForSelector('#spike-button[data-phase="running"]')
    await pause(14_000)
    await picture('spike')
    await page.click('[aria-label="Kill ticketing-1"]')
    await page.waitForSelector('.alarms [data-level="bad"]')
    await pause(2500)
    await page.evaluate('scrollTo(0, 0)')
    await picture('killed')
    await page.click('[aria-label="Start ticketing-1"]')
    await page.waitForSelector('#spike-button[data-phase="idle"]', { timeout: 120_000 })
    await page.evaluate('scrollTo(0, 0)')
    await pause(4000)
    await picture('recovered')
    await browser.close()
  })
