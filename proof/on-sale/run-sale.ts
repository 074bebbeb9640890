import { setTimeout as sleep } from 'node:timers/promises'
import { GridClient } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { Pool } from 'undici'
import { repositoryApplication } from '../support/repository-application.ts'
import { judgeSale, type SaleJudgement } from './judge-sale.ts'
import { type SaleTarget, type SaleVisit, visitSale } from './sale-visitor.ts'

export interface SaleOptions {
  readonly visitors: number
  readonly seats: number
  /** Visitors who come in a second. */
  readonly rate: number
  /** What a visitor thinks before each of the two commands, ms, on the average. */
  readonly thinkMs: number
  /** Visitors inside before anything is measured. */
  readonly inside: number
  readonly insideMax: number
  readonly units: number
  readonly rooms: number
  /** Kill every process once, with kill -9, while visitors come: servers last. */
  readonly kills: boolean
  /** Between the return of one and the end of the next, ms. */
  readonly killPauseMs: number
  readonly folder: string
  readonly say: (line: string) => void
}

export interface SaleSummary extends SaleJudgement {
  readonly seconds: number
  readonly killed: readonly string[]
  /** Seats that are sold, as the grid says. */
  readonly sold: number
  readonly seats: number
  /** Visitors whose visit has failed, and why. */
  readonly lost: readonly string[]
  /** What is wrong, in words; empty: nothing. */
  readonly wrong: readonly string[]
}

const eventId = 'concert'
const visitMs = 600_000
const seatsPerRow = 1000
const tellMs = 5000
const connectionsMax = 256

/** An on-sale with a waiting room, over HTTP, on a cluster of its own; see `main.ts`. */
export async function runSale(options: SaleOptions): Promise<SaleSummary> {
  const { visitors, seats, rate, folder, say } = options
  const cluster = await ProcessCluster.start({
    ...{ units: options.units, waitingRooms: options.rooms, dataDirectory: folder },
    application: repositoryApplication('ticketing'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: {
      WAITING_ROOM: `ticketing/${eventId}`,
      WAITING_ROOM_INSIDE: String(options.inside),
      WAITING_ROOM_INSIDE_MAX: String(options.insideMax),
      WAITING_ROOM_VISIT_MS: String(visitMs),
    },
  })
  const seller = new GridClient(cluster.urls.http)
  const ending = new AbortController()
  const pools = [cluster.urls.waitingRoom ?? '', cluster.urls.http].map(
    (url) => new Pool(url, { connections: connectionsMax }),
  )
  const [rooms, units] = pools as [Pool, Pool]
  try {
    const rows = Math.ceil(seats / seatsPerRow)
    await seller.command('ticketing', 'createEvent', {
      ...{ eventId, name: 'Concert', startsAt: Date.now() },
      sections: [{ section: 'A', rows, seatsPerRow: Math.ceil(seats / rows), price: 4500 }],
    })
    const began = performance.now()
    const visits: SaleVisit[] = []
    const lost: string[] = []
    const thinkMs = () => options.thinkMs * (0.5 + Math.random())
    const target: SaleTarget = { rooms, units, eventId, thinkMs, signal: ending.signal }
    const open = new Set<Promise<void>>()
    const visit = (name: string) => {
      const one: Promise<void> = visitSale(name, target)
        .then(
          (done) => void visits.push(done),
          (error: Error) => void lost.push(`${name}: ${error.message}`),
        )
        .finally(() => open.delete(one))
      open.add(one)
    }
    const killed = options.kills ? killEach(cluster, options.killPauseMs, say) : Promise.resolve([])
    let told = began
    for (let came = 0; came < visitors; ) {
      const due = Math.min(visitors, Math.floor(((performance.now() - began) * rate) / 1000))
      while (came < due) visit(`visitor-${++came}`)
      if (performance.now() - told > tellMs) {
        told = performance.now()
        say(`  ${came} have come, ${visits.length} have been, ${lost.length} are lost`)
      }
      await sleep(20)
    }
    const names = await killed
    const all = Promise.all(open)
    while (open.size > 0) {
      await Promise.race([all, sleep(tellMs)])
      if (open.size > 0) say(`  all have come, ${visits.length} have been, ${lost.length} are lost`)
    }
    const seconds = (performance.now() - began) / 1000
    const { result } = await seller.query(
      ...['ticketing', 'availability', { eventId }, { from: 'latest' }],
    )
    const { sections } = result as { readonly sections: readonly { readonly sold: number }[] }
    const sold = sections.reduce((sum, one) => sum + one.sold, 0)
    const judgement = judgeSale(visits, visitMs)
    const about = { ...judgement, seconds, killed: names, sold, seats, lost }
    return { ...about, wrong: wrongOf(about, visitors) }
  } finally {
    ending.abort(new Error('the sale is over'))
    await Promise.all(pools.map((pool) => pool.destroy()))
    await seller.stop()
    await cluster.stop()
  }
}

/** One after the other, each back before the next one goes. */
async function killEach(
  cluster: ProcessCluster,
  pauseMs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const names: string[] = []
  const killed = async (name: string) => {
    say(`  killed ${name}, and it is back`)
    names.push(name)
    await sleep(pauseMs)
  }
  for (const { settings } of [...cluster.components]) {
    const component = cluster.components.find((one) => one.settings.name === settings.name)
    if (!component) continue
    component.kill('SIGKILL')
    await component.gone
    await cluster.restart(component)
    await killed(settings.name)
  }
  for (const server of cluster.servers.values()) {
    await server.kill()
    await server.restart()
    await killed(server.name)
  }
  return names
}

function wrongOf(summary: Omit<SaleSummary, 'wrong'>, visitors: number): string[] {
  const { sold, bought, seats, lost, doubled, overtaken, beforeThose } = summary
  const wrong: string[] = []
  if (sold > seats) wrong.push(`${sold} seats are sold of ${seats}`)
  if (sold !== bought) wrong.push(`${sold} seats are sold, and ${bought} visitors have one`)
  const wanted = Math.min(visitors - lost.length, seats)
  if (bought < wanted) wrong.push(`${bought} have bought, and ${wanted} could have`)
  if (lost.length > 0) wrong.push(`${lost.length} visitors are lost, such as ${lost[0]}`)
  if (doubled > 0) wrong.push(`${doubled} have the place of somebody else`)
  if (overtaken > 0) wrong.push(`${overtaken} were let in before an earlier place`)
  if (beforeThose > 0) wrong.push(`${beforeThose} came later and have an earlier place`)
  return wrong
}
