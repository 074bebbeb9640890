import { SimulatedClock } from '@spacegrid/grid/adapters/simulated/simulated-clock'
import type { ProcessingUnit } from '@spacegrid/grid/unit/processing-unit'
import { compareStored, compareWindows, findGaps } from './comparison.ts'
import { testSpace } from './test-space.ts'
import { type Process, World } from './world.ts'

export interface ChaosOptions {
  /** Steps of random trouble before everything is let recover. */
  readonly steps: number
  readonly keys: number
  /** Whether the queue itself is purged and deleted as well, as by an operator's mistake. */
  readonly damage: boolean
}

interface Crew {
  units: Process<ProcessingUnit>[]
  pumps: ReturnType<World['pump']>[]
  writers: ReturnType<World['writer']>[]
  readers: ReturnType<World['reader']>[]
}

const recoveryMsMax = 120_000

/**
 * A grid in virtual time with everything going wrong at random: processes die and start, two pumps and two writers run at once, appends and
 * store operations end without an answer, the queue is full, the image is lost. After each disturbance and at the end the store and the image are
 * compared with what melding gives. Returns what was wrong.
 */
export async function runChaos(
  seed: number,
  { steps, keys, damage }: ChaosOptions,
): Promise<{ readonly problems: readonly string[]; readonly world: World }> {
  const clock = new SimulatedClock()
  const world = new World(clock, seed)
  const { random } = world
  world.latencyMsMax = random.below(4)
  world.windowRecordBytesMax = 600 + random.below(4000)
  const problems = new Set<string>()
  const crew: Crew = { units: [], pumps: [], writers: [], readers: [] }
  const start = {
    // Nobody differs from anybody here, so nobody may think so. architecture.md, invariant 9.
    units: () =>
      crew.units.push(
        world.unit({
          auditMs: 50 + random.below(400),
          report: (event) => {
            if (event.kind === 'audit') problems.add(`a false alarm: ${event.message}`)
          },
        }),
      ),
    // Small windows and short delays: more of what can happen happens.
    pumps: () =>
      crew.pumps.push(
        world.pump({ windowChangesMax: 1 + random.below(200), auditMs: 50 + random.below(400) }),
      ),
    writers: () =>
      crew.writers.push(
        world.writer({ trimDelayMs: random.below(2000), batchBytesMax: 1 + random.below(20_000) }),
      ),
    readers: () => crew.readers.push(world.reader()),
  }
  const ensure = (...kinds: (keyof Crew)[]) => {
    for (const kind of kinds) if (crew[kind].length === 0) start[kind]()
  }
  ensure('readers', 'writers', 'pumps', 'units')
  await clock.advance(3000)

  const someone = <T>(of: T[]): T | undefined => of[random.below(of.length)]
  const crashOne = (kind: keyof Crew) => {
    const of = crew[kind] as Process<unknown>[]
    if (of.length > 0) of.splice(random.below(of.length), 1)[0]?.crash()
  }
  const compare = async () => {
    for (const store of [world.store, world.image])
      for (const problem of (await compareStored(world, store)).problems)
        problems.add(`${store === world.store ? 'store' : 'image'}: ${problem}`)
  }
  const command = () => {
    const unit = someone(crew.units)?.component
    const id = `k${random.below(keys)}`
    const commands: [string, unknown][] = [
      ['put', { id, size: random.below(1000) }],
      ['put', { id, size: random.below(1000) }],
      ['remove', { id }],
      ['bump', { id }],
      ['regroup', { limit: 5 }],
      ['fill', { prefix: id, count: random.below(60) }],
    ]
    const [name, input] = someone(commands) as [string, unknown]
    // Whether it succeeds is not the question here.
    unit?.execute(name, input).catch(() => undefined)
  }

  for (let step = 0; step < steps; step++) {
    const luck = random.below(1000)
    if (luck < 700) for (let n = random.below(4); n >= 0; n--) command()
    else if (luck < 720)
      crashOne(someone<keyof Crew>(['pumps', 'pumps', 'writers', 'writers', 'readers', 'units'])!)
    else if (luck < 760) {
      const kind = someone<keyof Crew>(['pumps', 'writers', 'readers', 'units'])!
      if (crew[kind].length < 2) start[kind]()
    } else if (luck < 770) world.appendFailure = random.chance(0.5) ? 0 : random.below(30) / 100
    else if (luck < 780) {
      world.storeFaults.failure = random.chance(0.5) ? 0 : random.below(40) / 100
      world.storeFaults.delayMsMax = random.chance(0.5) ? 0 : random.below(500)
    } else if (luck < 790) {
      world.imageFaults.failure = random.chance(0.5) ? 0 : random.below(40) / 100
      world.imageFaults.delayMsMax = random.chance(0.5) ? 0 : random.below(200)
    } else if (luck < 795) world.storeFaults.failure = random.chance(0.5) ? 0 : 1
    else if (luck < 800) world.changes.full = random.chance(0.3)
    else if (luck < 802) clock.jump(random.below(120_000) - 60_000)
    else if (luck < 804) await world.image.clear(testSpace.name)
    else if (luck < 806 && damage) world.changes.trim(world.changes.last + 1)
    else if (luck < 807 && damage) world.changes.replace()
    else if (luck < 840) await compare()
    await clock.advance(random.chance(0.02) ? random.below(3000) : random.below(20))
  }

  world.appendFailure = 0
  Object.assign(world.storeFaults, { failure: 0, delayMsMax: 1 })
  Object.assign(world.imageFaults, { failure: 0, delayMsMax: 1 })
  world.changes.full = false
  ensure('readers', 'writers', 'pumps', 'units')
  const isDone = async () => {
    const unit = crew.units[0]?.component
    const stored = await world.store.checkpoint(testSpace.name)
    const image = await world.image.checkpoint(testSpace.name)
    const { last } = world.log
    return unit?.readiness().ready && stored?.position === last && image?.position === last
  }
  const until = clock.monotonic() + recoveryMsMax
  while (!(await isDone()) && clock.monotonic() < until) await clock.advance(100)
  if (!(await isDone())) {
    const stored = await world.store.checkpoint(testSpace.name)
    const image = await world.image.checkpoint(testSpace.name)
    problems.add(
      `never recovered: log ${world.log.last}, store ${stored?.position}, image ${image?.position}, ${JSON.stringify(
        {
          units: crew.units.map(({ component }) => component.readiness()),
          pumps: crew.pumps.map(({ component }) => [component.readiness(), component.status()]),
          writers: crew.writers.map(({ component }) => [component.readiness(), component.status()]),
        },
      )}`,
    )
  }
  await clock.advance(2000)
  if (!crew.units[0]?.component.status().audit?.comparisons)
    problems.add('nobody was compared with anybody')
  await compare()
  for (const problem of await compareWindows(world)) problems.add(problem)
  for (const event of world.events)
    if (/finding out who is wrong|leaves service|digest/.test(event))
      problems.add(`a false alarm: ${event}`)
  // Whatever dies, nobody ever finds the queue cut off from the store.
  if (!damage) {
    for (const gap of findGaps(world)) problems.add(gap)
    for (const event of world.events)
      if (/goes on at|begins at \d+, but/.test(event)) problems.add(`a gap: ${event}`)
  }
  const stopped = world.stop()
  await clock.advance(30_000)
  await stopped
  return { problems: [...problems], world }
}
