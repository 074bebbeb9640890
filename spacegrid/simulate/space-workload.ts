import type { Value } from '@spacegrid/grid/core/data-types'
import { calledCommands } from '@spacegrid/grid/core/parts'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import {
  type Ask,
  command,
  type RunContext,
  type Workload,
} from '@spacegrid/proof/simulator/workloads/workload'
import fc, { type Arbitrary } from 'fast-check'
import type { InputMaker, Simulation } from '../testing/simulation.ts'
import { InputArbitraries } from './input-arbitrary.ts'
import { SpaceWatch } from './space-watch.ts'
import { ValuePool } from './value-pool.ts'

/**
 * How much a seed makes of a command or query, beside what the simulation says of it: some are left
 * out altogether.
 */
const factors = [0, 1, 1, 1, 2, 4, 10]
const queryShare = 0.4
/**
 * Somebody asks for what was asked for just before, to the letter: a second click, a retry without
 * a key.
 */
const againShare = 0.12
const againAmong = 4

/**
 * A user's space as a workload: each seed chooses among its commands with weights of its own (swarm
 * testing: Groce et al., 2012).
 */
export function spaceWorkload(simulation: Simulation): Workload {
  const { space, setup = [] } = simulation
  return {
    name: space.name,
    description: space.description ?? '',
    space,
    setup: setup.map(([name, input]) => command(name, input)),
    next: () => {
      throw new Error('it has not begun')
    },
    begin: (run) => workloadOf(simulation, run),
  }
}

interface Choice {
  readonly ask: Pick<Ask, 'kind' | 'name'>
  readonly weight: number
  readonly input: Arbitrary<unknown>
}

/** As it is in one run. */
export function workloadOf(
  simulation: Simulation,
  run: RunContext,
): Workload & { readonly watch: SpaceWatch } {
  const random = new SeededRandom(run.seed + 0x5eed)
  const pool = new ValuePool(random, run.now)
  const choices = choicesOf(simulation, random, pool)
  const latest: Ask[] = []
  const asked: string[] = []
  const startedAt = run.now()
  return {
    ...spaceWorkload(simulation),
    watch: new SpaceWatch(simulation, run, pool),
    asked,
    next: (luck) => {
      const before = luck.chance(againShare) ? latest[luck.below(latest.length)] : undefined
      const ask = before ?? made(choose(choices, luck), luck)
      latest.unshift(ask)
      latest.splice(againAmong)
      const atMs = Math.round(run.now() - startedAt)
      asked.push(`${atMs} ms  ${ask.kind} ${ask.name} ${JSON.stringify(ask.input)}`)
      return ask
    },
  }
}

function choicesOf(
  { space, inputs = {}, weights = {} }: Simulation,
  random: SeededRandom,
  pool: ValuePool,
): readonly Choice[] {
  const arbitraries = new InputArbitraries(pool)
  const all = [
    ...calledCommands(space).map((one) => ({ kind: 'command' as const, one, share: 1 })),
    // Rows are compared as they are held: what reads them for callers from outside is the grid's.
    ...[...space.queries.values()]
      .filter(({ rowsOf }) => rowsOf === undefined)
      .map((one) => ({ kind: 'query' as const, one, share: queryShare })),
  ]
  const choices = all.map(({ kind, one, share }): Choice => {
    const { name, input } = one
    const maker: InputMaker = {
      text: (field = '') => arbitraries.text(field),
      time: () => arbitraries.time(),
      field: (field) => arbitraries.of(input.properties[field] ?? input, field),
    }
    const factor = factors[random.below(factors.length)] as number
    return {
      ask: { kind, name },
      weight: (weights[name] ?? 1) * factor * share,
      input: inputs[name]?.(maker) ?? arbitraries.of(input),
    }
  })
  const isAny = choices.some(({ weight, ask }) => weight > 0 && ask.kind === 'command')
  return isAny ? choices : choices.map((one) => ({ ...one, weight: weights[one.ask.name] ?? 1 }))
}

function choose(choices: readonly Choice[], random: SeededRandom): Choice {
  const sum = choices.reduce((total, { weight }) => total + weight, 0)
  let left = (random.uint32() / 2 ** 32) * sum
  for (const choice of choices) {
    left -= choice.weight
    if (left < 0) return choice
  }
  return choices.findLast(({ weight }) => weight > 0) ?? (choices[0] as Choice)
}

function made({ ask, input }: Choice, random: SeededRandom): Ask {
  const [value] = fc.sample(input, { seed: random.uint32() | 0, numRuns: 1 })
  // Plain: generators make objects without a prototype now and then.
  return { ...ask, input: structuredClone({ ...(value as Value) }) }
}
