import { isGridError } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import fc from 'fast-check'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type CommandResult, GridClient, Rejection, type Transport } from './index.ts'
import { natsTransport } from './nats.ts'
import { CountersGrid, type CountersSpace, most } from './test-support/counters-grid.ts'
import { fetchTransport } from './transport.ts'

/*
 * What a client promises, whatever happens on the way: commands of any session take effect once and
 * are answered once, refusals are refusals, a session reads what it has been told. Real units over
 * a real NATS come and go; requests are lost, answered into nothing, or come twice; and beside it a
 * model that is a list of numbers.
 */

const natsUrl = inject('natsUrl')
const runs = 8
const patienceMs = 60_000

/** Loses requests and answers, and sends some twice. */
class Unreliable implements Transport {
  readonly #transport: () => Transport
  readonly #random: SeededRandom
  isReliable = false

  constructor(transport: () => Transport, random: SeededRandom) {
    this.#transport = transport
    this.#random = random
  }

  async send(request: Parameters<Transport['send']>[0]) {
    const transport = this.#transport()
    if (this.isReliable) return await transport.send(request)
    if (this.#random.chance(0.1)) throw new Error('the request was lost')
    if (this.#random.chance(0.1)) {
      const [, answer] = await Promise.all([transport.send(request), transport.send(request)])
      return answer
    }
    const answer = await transport.send(request)
    if (this.#random.chance(0.1)) throw new Error('the answer was lost')
    return answer
  }
}

type Client = GridClient<CountersSpace>
type Added = CommandResult<{ readonly count: number }>

interface Session {
  readonly client: Client
  /** By counter: the least value, by its place in the history, that it may read. */
  readonly known: Map<string, number>
}

/** Every value that a counter has had, in order. */
interface Model {
  readonly histories: Map<string, number[]>
  commands: number
}

interface Real {
  readonly grid: CountersGrid
  readonly sessions: readonly Session[]
  readonly prefix: string
}

const historyOf = ({ histories }: Model, id: string): number[] => {
  const history = histories.get(id) ?? [0]
  histories.set(id, history)
  return history
}

/** Asks with the same key until it is known what has become of it. */
async function untilKnown(send: () => Promise<Added>): Promise<Added> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      return await send()
    } catch (error) {
      const isUnknown = isGridError(error) && error.retryable
      if (!isUnknown || performance.now() > end) throw error
    }
  }
}

abstract class Step implements fc.AsyncCommand<Model, Real> {
  check(): boolean {
    return true
  }
  abstract run(model: Model, real: Real): Promise<void>
  abstract toString(): string
}

class Add extends Step {
  readonly who: number
  readonly id: string
  readonly by: number

  constructor(who: number, id: string, by: number) {
    super()
    this.who = who
    this.id = id
    this.by = by
  }

  async run(model: Model, { grid, sessions, prefix }: Real): Promise<void> {
    const session = sessions[this.who] as Session
    const id = `${prefix}/${this.id}`
    const history = historyOf(model, id)
    const expected = (history.at(-1) ?? 0) + this.by
    const idempotencyKey = `${prefix}-${model.commands++}`
    const send = () =>
      session.client.command(grid.space.name, 'add', { id, by: this.by }, { idempotencyKey })
    if (expected > most) {
      const refused = await untilKnown(send).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Rejection)
      expect(refused).toMatchObject({ reason: 'too_many', details: { most } })
      return
    }
    const { result } = await untilKnown(send)
    expect(result).toEqual({ count: expected })
    session.known.set(id, history.push(expected) - 1)
    // Somebody else repeats it: the first answer, and nothing changes.
    const other = sessions[(this.who + 1) % sessions.length] as Session
    if (this.by % 2 === 0) {
      const again = await untilKnown(() =>
        other.client.command(grid.space.name, 'add', { id, by: this.by }, { idempotencyKey }),
      )
      expect(again).toMatchObject({ result: { count: expected }, replayed: true })
      other.known.set(id, history.length - 1)
    }
  }

  override toString = () => `add ${this.by} to ${this.id} by ${this.who}`
}

class Read extends Step {
  readonly who: number
  readonly id: string
  readonly isLatest: boolean

  constructor(who: number, id: string, isLatest: boolean) {
    super()
    this.who = who
    this.id = id
    this.isLatest = isLatest
  }

  async run(model: Model, { grid, sessions, prefix }: Real): Promise<void> {
    const { client, known } = sessions[this.who] as Session
    const id = `${prefix}/${this.id}`
    const history = historyOf(model, id)
    const options = this.isLatest ? { from: 'latest' as const } : {}
    const { result } = await client.query(grid.space.name, 'count', { id }, options)
    const least = this.isLatest ? history.length - 1 : (known.get(id) ?? 0)
    const at = history.indexOf(result, least)
    expect(at, `${result} in ${history} from ${least}`).toBeGreaterThanOrEqual(least)
    known.set(id, at)
  }

  override toString = () => `read ${this.isLatest ? 'the latest ' : ''}${this.id} by ${this.who}`
}

class Replace extends Step {
  async run(_: Model, { grid }: Real): Promise<void> {
    const [oldest] = grid.units
    const newcomer = await grid.add()
    await expect.poll(() => newcomer.unit.readiness().ready, { timeout: patienceMs }).toBe(true)
    if (oldest) await grid.remove(oldest)
  }

  override toString = () => 'a unit comes, and the oldest one goes'
}

test('whatever is lost on the way, each command is done once, and sessions read what they know', {
  timeout: 300_000,
}, async () => {
  const grid = new CountersGrid(natsUrl, 2)
  onTestFinished(() => grid.stop())
  await Promise.all([grid.add(), grid.add()])
  await grid.settle()
  const overNats = await natsTransport(natsUrl)
  onTestFinished(async () => overNats.close?.())
  const who = fc.integer({ min: 0, max: 3 })
  const id = fc.constantFrom('a', 'b', 'c')
  const steps = fc.commands(
    [
      fc.tuple(who, id, fc.integer({ min: 1, max: 3 })).map((input) => new Add(...input)),
      fc.tuple(who, id, fc.integer({ min: -2, max: -1 })).map((input) => new Add(...input)),
      fc.tuple(who, id, fc.boolean()).map((input) => new Read(...input)),
      fc.tuple(who, id, fc.boolean()).map((input) => new Read(...input)),
      fc.constant(new Replace()),
    ],
    { maxCommands: 30, size: 'max' },
  )
  let run = 0
  await fc.assert(
    fc.asyncProperty(steps, fc.integer(), async (commands, seed) => {
      const random = new SeededRandom(seed)
      let turn = 0
      // Any unit, as behind a gateway.
      const overHttp = () =>
        fetchTransport((grid.units[turn++ % grid.units.length] ?? { url: '' }).url)
      const retry = { retriesMax: 8, retryAfterMaxMs: 5000 }
      const clients = [overHttp, () => overNats].map(
        (transport) =>
          new GridClient<CountersSpace>('http://grid', {
            ...{ transport: new Unreliable(transport, random), retry },
          }),
      )
      const sessions = [0, 1, 2, 3].map((at) => ({
        ...{ client: (clients[at % 2] as Client).session(), known: new Map<string, number>() },
      }))
      const real = { grid, sessions, prefix: `run-${++run}` }
      await fc.asyncModelRun(
        () => ({ model: { histories: new Map(), commands: 0 }, real }),
        commands,
      )
    }),
    { numRuns: runs, endOnFailure: true },
  )
})
