import { Agent, get, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { repositoryApplication } from '../support/repository-application.ts'
import { waitFor } from '../support/wait-for.ts'

/** Longer than every timeout, and than what a staleness of two seconds allows by far. */
const frozenMs = 15_000
const queries = 12
/** What says nothing of its age is no older. */
const freshMs = 1000

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 2 * queries })

const ask = (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      const { statusCode: status = 0, headers } = response
      text(response).then((body) => resolve({ status, headers, body }), reject)
    }).on('error', reject)
  })

interface Bid {
  readonly amount: number
  readonly acknowledgedAt: number
}

/** Bids at one unit, one after the other, until it is stopped. */
class Bidder {
  readonly bids: Bid[] = []
  readonly #url: string
  #over = false
  readonly #done: Promise<void>

  constructor(url: string) {
    this.#url = url
    this.#done = this.#bid()
  }

  /** The highest that must be seen by whoever has seen everything up to then. */
  seenBy(time: number): number {
    return this.bids.findLast(({ acknowledgedAt }) => acknowledgedAt <= time)?.amount ?? 0
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#done
  }

  async #bid(): Promise<void> {
    for (let amount = 1; !this.#over; amount++) {
      const response = await post(`${this.#url}/placeBid`, {
        auctionId: 'painting',
        bidderId: 'ann',
        amount,
      })
      if (response.status !== 200) throw new Error(await response.text())
      await response.arrayBuffer()
      this.bids.push({ amount, acknowledgedAt: performance.now() })
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
}

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

// guarantees.md: what is not fresh says its age, and a staleness that is asked for holds
test('a unit that was frozen for 15 s says how old its answers are, and keeps the staleness that is asked for', {
  timeout: 120_000,
}, async () => {
  const ports = [await findFreePort(), await findFreePort()]
  await using grid = await FaultGrid.start({
    application: repositoryApplication('auction'),
    units: 2,
    environmentOf: (name) => {
      const number = Number(/^auction-(\d)$/.exec(name)?.[1] ?? 0)
      return number > 0 ? { PORT: String(ports[number - 1]) } : {}
    },
  })
  const [first, second] = ports.map((port) => `http://127.0.0.1:${port}/auction`)
  const opened = await post(`${first}/commands/openAuction`, {
    auctionId: 'painting',
    title: 'Painting',
    startingPrice: 1,
    minimumIncrement: 1,
    endsAt: Date.now() + 3_600_000,
  })
  expect(opened.status).toBe(200)
  const bidder = new Bidder(`${first}/commands`)
  const url = `${second}/queries/auction?auctionId=painting`
  await waitFor(async () => (await ask(url)).body.includes('highest'), { what: 'a bid to be seen' })
  // Connections that the frozen unit has already: what they bring is the first that it reads.
  await Promise.all(Array.from({ length: 2 * queries }, () => ask(url)))

  const frozen = grid.component('auction-2')
  frozen.kill('SIGSTOP')
  let plain: Promise<Answer>[] = []
  let bounded: Promise<Answer>[] = []
  let wokenAt = 0
  try {
    await new Promise((wake) => setTimeout(wake, frozenMs))
    plain = Array.from({ length: queries }, () => ask(url))
    bounded = Array.from({ length: queries }, () => ask(url, { 'grid-staleness': '2s' }))
    // They lie in its sockets.
    await new Promise((wake) => setTimeout(wake, 200))
  } finally {
    wokenAt = performance.now()
    frozen.kill('SIGCONT')
  }

  const amountOf = ({ body }: Answer) => Number(JSON.parse(body).result.leastAmount) - 1
  const ageOf = ({ headers }: Answer) => Number.parseInt(String(headers['grid-age']), 10)
  const ages: number[] = []
  for (const answer of await Promise.all(plain)) {
    expect(answer.status, answer.body).toBe(200)
    const ageMs = answer.headers['grid-age'] === undefined ? freshMs : ageOf(answer)
    expect(amountOf(answer)).toBeGreaterThanOrEqual(bidder.seenBy(wokenAt - ageMs))
    ages.push(ageMs)
  }
  process.stderr.write(`plain queries of the woken unit said their age: ${ages.join(', ')} ms\n`)
  expect(Math.max(...ages)).toBeGreaterThan(frozenMs)
  for (const answer of await Promise.all(bounded)) {
    if (answer.status === 503) {
      expect(JSON.parse(answer.body).code).toBe('too_stale')
      continue
    }
    expect(answer.status).toBe(200)
    expect(ageOf(answer)).toBeLessThanOrEqual(2000)
    expect(amountOf(answer)).toBeGreaterThanOrEqual(bidder.seenBy(wokenAt - 2000))
  }
  await waitFor(
    async () => {
      const answer = await ask(url, { 'grid-staleness': '2s' })
      return answer.status === 200 && amountOf(answer) >= bidder.seenBy(performance.now() - 2000)
    },
    { what: 'the unit to be as new as the others' },
  )
  await bidder.stop()
  agent.destroy()
})
