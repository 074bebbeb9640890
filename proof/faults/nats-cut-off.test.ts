import { findFreePort } from 'spacegrid/servers/free-port'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import type { PatientClient } from '../support/patient-client.ts'
import { startNats } from '../support/test-servers.ts'
import { canHaveToxiproxy, type ProxiedLink, Toxiproxy } from '../support/toxiproxy.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Longer than every timeout: NATS's pings 6 s, appends and requests 5 s, commands 10 s. */
const silentMs = 11_000
/** Everybody notices a cut at once. */
const cutMs = Number(process.env.CUT_MS ?? 2500)
const slowMs = 2500
const apart = 'ticketing-2'

const sleep = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

// Skipped: without Go there is no toxiproxy; it says so, loudly, and in CI that is a failure.
describe.skipIf(!(await canHaveToxiproxy()))('a bad link to NATS', { timeout: 120_000 }, () => {
  let nats: LocalServer
  let proxy: Toxiproxy
  let grid: FaultGrid
  /** Of everybody but one unit, which has a link, and a public port, of its own. */
  let common: ProxiedLink
  let own: ProxiedLink
  let apartUrl: string
  let client: PatientClient
  let apartClient: PatientClient

  beforeAll(async () => {
    nats = await startNats()
    proxy = await Toxiproxy.start()
    common = await proxy.link('common', nats.port)
    own = await proxy.link('own', nats.port)
    const port = await findFreePort()
    apartUrl = `http://127.0.0.1:${port}`
    const urlOf = (link: ProxiedLink) => `nats://127.0.0.1:${link.port}`
    grid = await FaultGrid.start({
      urls: { nats: urlOf(common) },
      environmentOf: (name): Record<string, string> =>
        name === apart ? { NATS_URL: urlOf(own), PORT: String(port) } : {},
    })
    client = grid.client()
    apartClient = grid.client(apartUrl)
  })
  afterAll(async () => {
    await Promise.all([client?.close(), apartClient?.close()])
    await grid?.stop()
    await proxy?.[Symbol.asyncDispose]()
    await nats?.stop()
  })

  /** Even a refusal takes its place in the log, so this needs the log and changes nothing. */
  const refused = (through: PatientClient) =>
    through.command('ticketing', 'releaseHold', { holdId: 'of nobody' })
  const noCommandPasses = (through: PatientClient) =>
    waitFor(async () => (await refused(through)).body.code === 'log_unavailable', {
      what: 'commands to be answered with log_unavailable',
      timeoutMs: 30_000,
    })
  const queryPasses = async (through: PatientClient) => {
    const query = await through.query('ticketing', 'availability', { eventId: 'crowd1-event-1' })
    expect(query).toMatchObject({ status: 200, body: { position: expect.any(Number) } })
  }
  const readiness = async () => {
    const { adminPort } = grid.component(apart).settings
    return await (await fetch(`http://127.0.0.1:${adminPort}/health/ready`)).text()
  }

  test(`slow, with jitter and little bandwidth: the grid goes on (SEED=${seed})`, async () => {
    const crowd = await grid.crowd({ seed })
    const fast = await common.poison({ type: 'latency', latency: 60, jitter: 50 })
    await goesOn(crowd)
    const wide = await common.poison({ type: 'bandwidth', rate: 64 })
    await sleep(slowMs)
    await goesOn(crowd, 20)
    await fast()
    await wide()
    await goesOn(crowd)
    expect(await grid.audit()).toEqual(nothingFound)
  })

  test(`cut, half-open and reset for all: commands get 503, queries go on, all resumes (SEED=${seed})`, async () => {
    const crowd = await grid.crowd({ seed })
    await goesOn(crowd)
    await common.cut()
    const isCut = sleep(cutMs)
    await noCommandPasses(client)
    await queryPasses(client)
    await isCut
    await common.mend()
    await goesOn(crowd)

    // Nothing says that the other side is gone: what is sent disappears.
    const open = await common.poison({ type: 'timeout', timeout: 0 })
    const isHalfOpen = sleep(silentMs)
    await noCommandPasses(client)
    await queryPasses(client)
    await isHalfOpen
    await open()
    await goesOn(crowd)

    const calm = await common.poison({ type: 'reset_peer', timeout: 200 })
    await sleep(slowMs)
    await calm()
    await goesOn(crowd)
    expect(await grid.audit()).toEqual(nothingFound)
  })

  test(`one unit cut off, the others go on; what was pending there happens once (SEED=${seed})`, async () => {
    const [crowd, apartCrowd] = await Promise.all([
      grid.crowd({ seed }),
      grid.crowd({ seed, url: apartUrl }),
    ])
    await Promise.all([goesOn(crowd), goesOn(apartCrowd)])
    const open = await own.poison({ type: 'timeout', timeout: 0 })
    await noCommandPasses(apartClient)
    await queryPasses(apartClient)
    expect(await readiness()).toContain('the log is not connected')
    await goesOn(crowd)
    await open()
    await goesOn(apartCrowd)
    await waitFor(async () => !(await readiness()).includes('not connected'), { what: 'readiness' })
    expect(await grid.audit()).toEqual(nothingFound)
  })
})
