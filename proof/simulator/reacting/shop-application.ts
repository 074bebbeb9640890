import type { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Host } from '@spacegrid/grid/kit/host'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { AskStep } from '../divided/plan.ts'
import type { DividedWorld } from '../divided/world.ts'
import { command } from '../workloads/workload.ts'
import type { ReactingApplication, ReactingAsk, ToldOrRead } from './application.ts'
import { Bank } from './bank.ts'
import { judge, outboxOf } from './judge.ts'
import { makeShop, office } from './spaces.ts'

const [inShop, inOffice] = [0, 1]

/** The proof's own: a shop whose orders are paid at a bank and become tickets of an office. */
export class ShopApplication implements ReactingApplication {
  readonly setup = []
  readonly #world: DividedWorld
  readonly #bank: Bank
  readonly #acknowledged = new Set<string>()

  constructor(world: DividedWorld) {
    this.#world = world
    this.#bank = new Bank(world.clock, world.random())
  }

  spaces(host: Host) {
    return [makeShop(host, this.#bank), office]
  }

  next({ client, roll }: AskStep, number: number): ReactingAsk {
    const random = new SeededRandom(roll)
    const customer = `customer-${client}`
    if (random.chance(0.12)) return { space: inShop, ...command('turn', { customer }) }
    if (random.chance(0.2))
      return { space: inOffice, ...command('restock', { by: 1 + random.below(2) }) }
    return { space: inShop, ...command('place', { id: `order-${number}`, customer }) }
  }

  heard({ name, input }: ReactingAsk, { kind }: ToldOrRead): void {
    if (kind === 'answer' && name === 'place') this.#acknowledged.add(String(input.id))
  }

  /** It makes none. */
  faulty(_: number, { message }: ApplicationFault): void {
    this.#world.fail('failure', message)
  }

  logged(): void {
    // Its journals and its bank know what has been done.
  }

  calm(): void {
    this.#bank.calm()
  }

  missing(): readonly string[] {
    return outboxOf(this.#states[inShop] as SpaceState).map(
      (entry) => `still to be done: ${JSON.stringify(entry)}`,
    )
  }

  judge(): readonly string[] {
    const [shop, tickets] = this.#states as [SpaceState, SpaceState]
    const count = (what: string) => this.#world.coverage.count(what)
    return judge(shop, tickets, this.#bank, this.#acknowledged, count)
  }

  get #states(): readonly SpaceState[] {
    return this.#world.references.map(({ state }) => state)
  }
}
