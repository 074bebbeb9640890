import { perSecondText, rates } from '../goals/figures.ts'
import type { GoalRow } from '../goals/goal.ts'
import type { GoalContext } from '../goals/goal-context.ts'
import { ratioOf, spreadOf, spreadText } from '../goals/spread.ts'
import { runTogether } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { type Scene, watchScene } from '../profile/scene.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionFigure, PartitionGoal, PartitionSizes } from './partition-goal.ts'

const concurrencies = [256, 1024] as const

interface Kind {
  readonly name: string
  readonly units: number
  readonly partitions: number
  readonly copies: number
}

/** The number of partitions that has a goal. */
const judged = 16

const rateText = (samples: readonly RunResult[] | undefined): string =>
  perSecondText(spreadOf(rates(samples)).median)

type Samples = ReadonlyMap<string, readonly RunResult[]>

async function startKinds(
  context: GoalContext,
  { entriesFew: entries }: PartitionSizes,
  kinds: readonly Kind[],
): Promise<readonly [Kind, DividedUnits][]> {
  const started: [Kind, DividedUnits][] = []
  for (const kind of kinds) {
    const options = { ...kind, entries }
    const all =
      kind.units === 2
        ? await DividedUnits.startTwo(context, options)
        : await DividedUnits.start(context, kind.units, options)
    for (const unit of all.units) await unit.request('choose')
    started.push([kind, all])
  }
  return started
}

/**
 * Commits a second at so many in flight, in all units together; each unit asks for what it is home
 * of, in process.
 */
async function sampleKinds(
  context: GoalContext,
  sizes: PartitionSizes,
  kinds: readonly Kind[],
): Promise<Map<number, Samples>> {
  const started = await startKinds(context, sizes, kinds)
  const byConcurrency = new Map<number, Samples>()
  for (const inFlight of concurrencies) {
    const contenders = started.map(([{ name, units }, all]) => ({
      name,
      sample: () => runTogether(all.units, 'touchOwn', context.run(inFlight / units)),
    }))
    const samples = await context.interleave(`commits, ${inFlight} in flight`, contenders)
    byConcurrency.set(inFlight, samples)
  }
  for (const [, all] of started) await all.close()
  return byConcurrency
}

/** The same at the smaller concurrency, with a profile of all units together. */
async function profileKinds(
  context: GoalContext,
  sizes: PartitionSizes,
  kinds: readonly Kind[],
): Promise<Scene[]> {
  const scenes: Scene[] = []
  const [inFlight] = concurrencies
  for (const [{ name, units }, all] of await startKinds(context, sizes, kinds)) {
    const run = () => runTogether(all.units, 'touchOwn', context.run(inFlight / units))
    await run()
    const what = `commits of ${name}, ${inFlight} in flight together`
    scenes.push(
      await watchScene(context, what, { roles: { units: all.units }, servers: ['nats'], run }),
    )
  }
  return scenes
}

function kindsBesideOne({ copies }: PartitionSizes): readonly [Kind, Kind, Kind] {
  const four = (each: number, text: string): Kind => ({
    ...{ name: `4 partitions in 2 units, ${text}`, units: 2, partitions: 4, copies: each },
  })
  const one = { name: '1 partition in 1 unit', units: 1, partitions: 1, copies: 1 }
  return [one, four(copies, `${copies} copies`), four(1, '1 copy')]
}

/** Four partitions in two units beside one partition in one unit. */
export const besideOne: PartitionGoal = {
  name: 'beside-one',
  async measure(context, sizes) {
    const [one, ...others] = kindsBesideOne(sizes)
    const found = await sampleKinds(context, sizes, [one, ...others])
    const rows = [...found].flatMap(([inFlight, samples]) =>
      others.map(({ name }): GoalRow => {
        const ratio = ratioOf(rates(samples.get(name)), rates(samples.get(one.name)))
        return {
          what: `commits of ${name}, ${inFlight} in flight together, on this machine`,
          goal: 'not less than 1 partition in 1 unit',
          measured: rateText(samples.get(name)),
          peer: `${one.name}: ${rateText(samples.get(one.name))}`,
          ratio,
          met: ratio.median >= 1,
        }
      }),
    )
    return { rows }
  },
  profile: (context, sizes) => profileKinds(context, sizes, kindsBesideOne(sizes)),
}

/** One unit, one NATS server, and more and more partitions. */
export const manyStreams: PartitionGoal = {
  name: 'streams',
  async measure(context, sizes) {
    const counts = context.settings.small ? [1, 4, 16] : [1, 4, 16, 64]
    const kinds = counts.map((partitions) => ({
      ...{ name: `${partitions}`, units: 1, partitions, copies: 1 },
    }))
    const found = await sampleKinds(context, sizes, kinds)
    const rows = [...found].map(([inFlight, samples]): GoalRow => {
      const ratio = (partitions: number) =>
        ratioOf(rates(samples.get(`${partitions}`)), rates(samples.get('1')))
      const others = counts.filter((partitions) => partitions !== 1 && partitions !== judged)
      return {
        what: `commits on one NATS server, disk synced, ${judged} partitions in one unit, ${inFlight} in flight together`,
        goal: 'at least 0.8 times 1 partition',
        measured: rateText(samples.get(`${judged}`)),
        peer: `1 partition: ${rateText(samples.get('1'))}`,
        ratio: ratio(judged),
        note: others.map((it) => `${it} partitions: ${spreadText(ratio(it))} times`).join('; '),
        met: ratio(judged).median >= 0.8,
      }
    })
    const figures = [...found].flatMap(([inFlight, samples]) =>
      counts.map(
        (partitions): PartitionFigure => ({
          ...{ table: 'commits on one NATS server', series: `${inFlight} in flight together` },
          ...{ xLabel: 'partitions', x: partitions, yLabel: 'commits/s' },
          y: spreadOf(rates(samples.get(`${partitions}`))),
        }),
      ),
    )
    return { rows, figures }
  },
  profile: (context, sizes) =>
    profileKinds(
      context,
      sizes,
      [1, judged].map((partitions) => ({
        ...{ name: `${partitions} in 1 unit`, units: 1, partitions, copies: 1 },
      })),
    ),
}
