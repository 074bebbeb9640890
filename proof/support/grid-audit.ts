import { waitUntil } from 'spacegrid/servers/wait-until'
import { auditCopies } from './copies-audit.ts'
import { auditCrowd, type CrowdFindings } from './crowd-audit.ts'
import { auditImage } from './image-audit.ts'
import { type Answer, PatientClient } from './patient-client.ts'
import { auditStore, type StoreAudit, unitStatus } from './store-audit.ts'
import type { CrowdLedger } from './ticket-crowd.ts'

/** Where a grid can be looked at from outside. */
export interface GridUnderAudit {
  readonly urls: {
    readonly http: string
    readonly nats: string
    readonly mongodb: string
    readonly redis: string
  }
  /** Administration ports of the processing units. */
  readonly unitPorts: readonly number[]
}

export interface GridAuditOptions {
  /** How long the grid may take to come to rest. Default 60,000 ms. */
  readonly settleMs?: number
  /** Whether the warm image is looked at too. Default true. */
  readonly image?: boolean
}

export const nothingFound: CrowdFindings = { lost: [], doubled: [], wrong: [] }

const space = 'ticketing'
const sampleMs = 25
/** Entries read through the units' own doors and compared, value by value, with MongoDB's. */
const samplesMax = 200

/**
 * Everything that a crowd was promised, looked at from outside: each acknowledged command against
 * MongoDB's documents; MongoDB, the warm image and every unit against each other, at one and the
 * same log position. Digests are computed anew from what is stored, not believed; and every value
 * of every copy, the pumps' too, is compared.
 */
export async function auditGrid(
  grid: GridUnderAudit,
  ledger: CrowdLedger,
  options: GridAuditOptions = {},
): Promise<CrowdFindings> {
  const { settleMs = 60_000, image = true } = options
  const watch = new PositionWatch(grid.unitPorts)
  try {
    const stored = await waitUntil(
      async () => {
        const found = await auditStore(grid.urls.mongodb, space)
        return watch.haveAllPassed(found.position) ? found : undefined
      },
      { timeoutMs: settleMs, what: 'MongoDB and all units to pass one position' },
    )
    const findings = auditCrowd(ledger, stored.documents)
    findings.wrong.push(...watch.differences(stored))
    if (stored.computedDigest !== stored.digest)
      findings.wrong.push(
        `MongoDB's documents make ${stored.computedDigest}, its checkpoint ${stored.digest}`,
      )
    const { http, nats, mongodb, redis } = grid.urls
    const problems = await Promise.all([
      compareValues(http, stored),
      auditCopies(
        { nats, mongodb, ...(image ? { redis } : {}) },
        space,
        grid.unitPorts.length,
        settleMs,
      ),
      image ? compareImage(grid, settleMs) : [],
    ])
    findings.wrong.push(...problems.flat())
    return findings
  } finally {
    await watch.stop()
  }
}

/**
 * Notes which digest each unit shows at which position. Heartbeats and expiry move the log even
 * when nobody buys, so looking at all of them at one moment could go on for ever without finding
 * them at one position.
 */
class PositionWatch {
  readonly #seen: ReadonlyMap<number, Map<number, { digest: string; entries: number }>>
  #stopped = false
  readonly #watching: Promise<unknown>

  constructor(unitPorts: readonly number[]) {
    this.#seen = new Map(unitPorts.map((port) => [port, new Map()]))
    this.#watching = Promise.all(unitPorts.map((port) => this.#watch(port)))
  }

  haveAllPassed(position: number): boolean {
    return [...this.#seen.values()].every((ofUnit) => ofUnit.has(position))
  }

  differences({ position, digest, entries }: StoreAudit): string[] {
    return [...this.#seen].flatMap(([port, ofUnit]) => {
      const found = ofUnit.get(position)
      if (found?.digest === digest && found.entries === entries) return []
      const shown = JSON.stringify(found)
      return [`unit on ${port} has ${shown} at ${position}, MongoDB ${digest}, ${entries} entries`]
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#watching
  }

  async #watch(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        const { position, digest, entries, ready } = await unitStatus(port, space)
        if (ready) this.#seen.get(port)?.set(position, { digest, entries })
      } catch {
        // It may still be starting; whoever waits for its position sees that it does not come.
      }
      await new Promise((wake) => setTimeout(wake, sampleMs))
    }
  }
}

interface StoredDocument {
  readonly _id: string
  readonly _grid: { readonly position: number; readonly version: number }
}

interface EntryBody {
  readonly value?: object
  readonly version?: number
  readonly writtenAt?: number
}

/**
 * What the units' own doors show is looked at for some orders and seats, on whichever unit answers.
 */
async function compareValues(httpUrl: string, { documents }: StoreAudit): Promise<string[]> {
  const client = new PatientClient(httpUrl)
  const problems: string[] = []
  const sample = (cache: string) =>
    spread(documents.get(cache) ?? [], samplesMax / 2) as unknown as StoredDocument[]
  const compare = (what: string, found: string, expected: string) => {
    if (found !== expected) problems.push(`${what} is ${found}, MongoDB has ${expected}`)
  }
  const ask = (send: () => Promise<Answer>) => client.untilAnswered(send, 30_000)
  try {
    await Promise.all([
      ...sample('seats').map(async ({ _id: key, _grid, ...seat }) => {
        // Nobody may read who has a seat.
        const { holdId: _, orderId: __, ...value } = seat as Record<string, unknown>
        const answer = await ask(() => client.entry(space, 'seats', key))
        const { value: shown = {}, version, writtenAt } = (answer?.body ?? {}) as EntryBody
        compare(
          `seat ${key}`,
          JSON.stringify([sorted(shown), version, writtenAt]),
          JSON.stringify([sorted(value), _grid.version, _grid.position]),
        )
      }),
      ...sample('orders').map(async ({ _id: orderId, _grid, ...order }) => {
        const answer = await ask(() => client.query(space, 'order', { orderId }))
        const shown = answer?.body.result ?? {}
        compare(`order ${orderId}`, JSON.stringify(sorted(shown)), JSON.stringify(sorted(order)))
      }),
    ])
  } finally {
    await client.close()
  }
  return problems
}

async function compareImage({ urls }: GridUnderAudit, settleMs: number): Promise<string[]> {
  let differs = 'there is no image'
  try {
    await waitUntil(
      async () => {
        const [image, stored] = await Promise.all([
          auditImage(urls.redis, space),
          auditStore(urls.mongodb, space),
        ])
        differs = `the image is ${JSON.stringify(image)}, MongoDB at ${stored.position} ${stored.digest}`
        return (
          image?.position === stored.position &&
          image.digest === stored.digest &&
          image.computedDigest === stored.digest &&
          image.entries === stored.entries
        )
      },
      { timeoutMs: settleMs, what: 'the warm image' },
    )
    return []
  } catch {
    return [differs]
  }
}

/** So many of them, from the first to the last. */
function spread<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, at) => at % step === 0)
}

const sorted = (fields: object) => Object.fromEntries(Object.entries(fields).sort())
