import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { makeSettings, pick, type Settings } from './settings.ts'

/**
 * One thing that goes wrong. `slot` is a place for a component: they are counted through all roles.
 */
export type Fault =
  | {
      readonly what: 'crash'
      readonly slot: number
      /** It dies when it has done so many more things: between any two of them. */
      readonly acts: number
      readonly downMs: number
      readonly upgrade: boolean
    }
  | { readonly what: 'crash all'; readonly role: string; readonly downMs: number }
  | {
      readonly what: 'stop'
      readonly slot: number
      readonly downMs: number
      readonly upgrade: boolean
    }
  | { readonly what: 'pause'; readonly slot: number; readonly forMs: number }
  | {
      readonly what: 'cut'
      readonly slot: number
      readonly link: 'log' | 'changes' | 'network' | 'store' | 'all'
      readonly forMs: number
    }
  | {
      readonly what: 'appends'
      readonly forMs: number
      readonly loss: number
      readonly silence: number
      readonly doubling: number
      readonly delay: number
      readonly lateMsMax: number
    }
  | { readonly what: 'leader change'; readonly stream: 'log' | 'changes'; readonly forMs: number }
  | { readonly what: 'full'; readonly stream: 'log' | 'changes'; readonly forMs: number }
  | { readonly what: 'trim' }
  | {
      readonly what: 'messages'
      readonly forMs: number
      readonly loss: number
      readonly doubling: number
      readonly delayMsMax: number
    }
  | {
      readonly what: 'slow store'
      readonly store: 'store' | 'image'
      readonly forMs: number
      readonly failure: number
      readonly delayMsMax: number
    }
  | { readonly what: 'store refuses'; readonly roll: number; readonly forMs: number }
  | { readonly what: 'image lost' }
  | { readonly what: 'image evicts'; readonly roll: number }
  | { readonly what: 'queue purged' }
  | { readonly what: 'queue replaced' }
  | { readonly what: 'clock jump'; readonly slot: number; readonly byMs: number }
  | { readonly what: 'log clock jump'; readonly byMs: number }
  /** And then it is set right again. */
  | { readonly what: 'log clock wrong'; readonly byMs: number; readonly forMs: number }
  | {
      readonly what: 'glitch'
      readonly slot: number
      readonly how: 'skip' | 'repeat'
      readonly stream: 'log' | 'changes'
    }
  /**
   * A process stands still, another one takes its place, and then it goes on as if nothing had
   * been.
   */
  | { readonly what: 'zombie'; readonly slot: number; readonly forMs: number }
  /** What a tail brings comes late. */
  | {
      readonly what: 'slow delivery'
      readonly slot: number
      readonly stream: 'log' | 'changes'
      readonly delayMsMax: number
      readonly forMs: number
      readonly roll: number
    }

type Maker = (random: SeededRandom, settings: Settings) => Fault

/** Query units come behind them, and are none of those that faults are made for. */
export const slotsOf = ({ units, pumps, writers, readers }: Settings): number =>
  units + pumps + writers + readers

const slot = (random: SeededRandom, settings: Settings): number => random.below(slotsOf(settings))

/** Mostly short; now and then longer than every timeout. */
const forMs = (random: SeededRandom): number =>
  pick(random, [20, 100, 400, 400, 1500, 3500, 9000]) + random.below(100)

const share = (random: SeededRandom, max: number): number =>
  random.chance(0.5) ? 0 : random.below(max * 1000) / 1000

const byMs = (random: SeededRandom): number =>
  pick(random, [-600_000, -5000, -50, 50, 1000, 5000, 660_000, 3_600_000])

/** Each with its weight. */
const makers: readonly (readonly [weight: number, make: Maker])[] = [
  [
    24,
    (random, settings) => ({
      what: 'crash',
      slot: slot(random, settings),
      acts: random.chance(0.4) ? 0 : random.below(8),
      downMs: pick(random, [0, 50, 500, 2000, 100_000]),
      upgrade: random.chance(0.25),
    }),
  ],
  [
    3,
    (random) => ({
      what: 'crash all',
      role: pick(random, ['unit', 'unit', 'pump', 'writer', 'reader', 'everything']),
      downMs: random.below(1500),
    }),
  ],
  [
    5,
    (random, settings) => ({
      what: 'stop',
      slot: slot(random, settings),
      downMs: random.below(1500),
      upgrade: random.chance(0.4),
    }),
  ],
  [
    14,
    (random, settings) => ({
      what: 'pause',
      slot: slot(random, settings),
      forMs: forMs(random),
    }),
  ],
  [
    10,
    (random, settings) => ({
      what: 'cut',
      slot: slot(random, settings),
      link: pick(random, ['log', 'log', 'changes', 'network', 'store', 'all']),
      forMs: forMs(random),
    }),
  ],
  [
    12,
    (random) => ({
      what: 'appends',
      forMs: forMs(random),
      loss: share(random, 0.5),
      silence: share(random, 0.5),
      doubling: share(random, 0.6),
      delay: share(random, 0.9),
      lateMsMax: pick(random, [5, 60, 600]),
    }),
  ],
  [
    4,
    (random) => ({
      what: 'leader change',
      stream: pick(random, ['log', 'log', 'changes']),
      forMs: 50 + random.below(1500),
    }),
  ],
  [
    4,
    (random) => ({
      what: 'full',
      stream: pick(random, ['log', 'changes', 'changes']),
      forMs: pick(random, [10, 100, 1000, 4000]),
    }),
  ],
  [6, () => ({ what: 'trim' })],
  [
    6,
    (random) => ({
      what: 'messages',
      forMs: forMs(random),
      loss: share(random, 0.7),
      doubling: share(random, 0.7),
      delayMsMax: pick(random, [2, 20, 300]),
    }),
  ],
  [
    8,
    (random) => ({
      what: 'slow store',
      store: pick(random, ['store', 'image']),
      forMs: forMs(random),
      failure: pick(random, [0, 0.3, 0.8, 1]),
      delayMsMax: pick(random, [1, 30, 500]),
    }),
  ],
  [3, (random) => ({ what: 'store refuses', roll: random.uint32(), forMs: forMs(random) })],
  [3, () => ({ what: 'image lost' })],
  [2, (random) => ({ what: 'image evicts', roll: random.uint32() })],
  [2, () => ({ what: 'queue purged' })],
  [1, () => ({ what: 'queue replaced' })],
  [
    5,
    (random, settings) => ({
      what: 'clock jump',
      slot: slot(random, settings),
      byMs: byMs(random),
    }),
  ],
  [3, (random) => ({ what: 'log clock jump', byMs: byMs(random) })],
  [
    4,
    (random) => ({ what: 'log clock wrong', byMs: byMs(random), forMs: pick(random, [100, 3000]) }),
  ],
  [
    5,
    (random, settings) => ({
      what: 'glitch',
      slot: random.below(settings.units + settings.pumps),
      how: pick(random, ['skip', 'repeat']),
      stream: 'log',
    }),
  ],
  [
    4,
    (random, settings) => ({
      what: 'glitch',
      slot: settings.units + random.below(slotsOf(settings) - settings.units),
      how: pick(random, ['skip', 'repeat']),
      stream: 'changes',
    }),
  ],
  [
    8,
    (random, settings) => ({
      what: 'zombie',
      slot: slot(random, settings),
      forMs: forMs(random),
    }),
  ],
  [
    8,
    (random, settings) => ({
      what: 'slow delivery',
      slot: slot(random, settings),
      stream: pick(random, ['log', 'log', 'changes']),
      delayMsMax: pick(random, [5, 60, 600]),
      forMs: forMs(random),
      roll: random.uint32(),
    }),
  ],
]

const weights = makers.reduce((sum, [weight]) => sum + weight, 0)

export function makeFault(random: SeededRandom, settings: Settings): Fault {
  let left = random.below(weights)
  for (const [weight, make] of makers) {
    left -= weight
    if (left < 0) return make(random, settings)
  }
  throw new Error('the weights do not add up')
}

/** Everything that can go wrong. */
export function faultKinds(): ReadonlySet<Fault['what']> {
  const random = new SeededRandom(0)
  const settings = makeSettings(random)
  return new Set(makers.map(([, make]) => make(random, settings).what))
}
