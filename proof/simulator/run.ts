import type { Space } from '@spacegrid/grid/core/definition'
import { History } from './check/history.ts'
import { instrument } from './check/instrument.ts'
import { Judge } from './check/judge.ts'
import { compareProjections } from './check/projections.ts'
import type { AskStep, Plan, Step } from './plan/plan.ts'
import { newerVersion } from './workloads/newer-version.ts'
import type { RunContext, Watch, Workload } from './workloads/workload.ts'
import { applyFault } from './world/apply-fault.ts'
import { Clients } from './world/clients.ts'
import { Crew, type Slot } from './world/crew.ts'
import { settled } from './world/passing-time.ts'
import { World } from './world/world.ts'

export interface RunResult {
  readonly seed: number
  readonly workload: string
  /** What was violated, in the order in which it was noticed. Empty: every promise was kept. */
  readonly problems: readonly string[]
  /** Of everything that happened: the same for the same plan. */
  readonly digest: string
  readonly trace: readonly string[]
  readonly coverage: ReadonlyMap<string, number>
  /** What clients asked for, where the workload keeps it. */
  readonly asked?: readonly string[]
}

/**
 * Longest time, in ms of the simulation, until everything works at first, and again when nothing
 * goes wrong any more.
 */
const setupMsMax = 20_000
const recoveryMsMax = 90_000
const inspectEveryMs = 700
const timeGoesOnMs = 20_000
/** How long clients go on when the log is gone, and how often one of them asks. */
const withoutLogMs = 15_000
const askEveryMs = 60
const powerLossMs = 500
/** Until every unit has answered what it is asked at the end. */
const inspectionMsMax = 5000
/**
 * Until every unit has heard that the log is gone: a message's way, and the turn of whoever was
 * just being answered.
 */
const noticedMsMax = 30

/** Runs a plan, to its end or its first violation. */
export async function runPlan(plan: Plan, given: Workload, keepTrace = false): Promise<RunResult> {
  const world = new World(plan.seed, given.space.name, plan.settings, keepTrace)
  const workload = given.begin?.(contextOf(world)) ?? given
  try {
    return await runIn(world, plan, workload)
  } finally {
    workload.watch?.close()
  }
}

const contextOf = (world: World): RunContext => ({
  seed: world.seed,
  now: () => world.clock.now(),
  entryCount: (cache) => {
    const { state } = world.reference
    const layout = state.layout.named(cache)
    return layout ? state.cache(layout.number).entries.size : 0
  },
  fail: (rule, what) => world.fail(rule, what),
  count: (what) => world.coverage.count(what),
})

async function runIn(world: World, plan: Plan, workload: Workload): Promise<RunResult> {
  const { watch } = workload
  world.largeCommands = watch !== undefined
  const history = new History()
  history.given = (now) => world.time.given(now)
  const newer = newerVersion(workload.space)
  const seen = (space: Space) => instrument(watch?.watched(space) ?? space, history)
  const older = seen(workload.space)
  const instrumentedNewer = seen(newer)
  const spaceOf = (version: Slot['version']) => (version === 'newer' ? instrumentedNewer : older)
  const crew = new Crew(world, spaceOf, history)
  const clients = new Clients(world, crew, history, workload)
  const broken = () => world.problems.length > 0
  const inspect = () => {
    crew.inspect()
    inspectProjections(world, crew, watch)
    if (watch)
      for (const { name, unit } of crew.units) if (unit) void watch.inspect(unit, name, false)
    world.clock.after(inspectEveryMs, inspect)
  }
  world.clock.after(inspectEveryMs, inspect)

  crew.startMissing()
  let isSetUp = false
  const setUp = async () => {
    for (const ask of workload.setup)
      for (let round = 0; !(await clients.command(ask, setupStep(round))); round++)
        if (broken()) return
    isSetUp = true
  }
  void setUp()
  if (!(await world.until(() => isSetUp || broken(), setupMsMax)))
    world.fail('liveness', `not set up within ${setupMsMax} ms`)

  if (!broken()) {
    for (const step of plan.steps)
      world.clock.after(step.atMs, () => {
        if (step.kind === 'ask') clients.step(step)
        else applyFault(step.fault, world, crew)
      })
    await world.until(broken, plan.endMs)
    if (plan.logReplaced) await endWithoutLog(plan, world, crew, clients)
    else if (plan.tailLost > 0) await prepareLoss(plan, world, crew, clients)
    else await recover(world, crew, clients, workload)
  }
  if (!broken()) {
    const judge = new Judge(newer, history, world.reference, watch)
    const problems = judge.judge()
    watch?.ended(judge.model)
    for (const problem of problems) world.fail('judge', problem)
    if (judge.repeated > 0)
      world.coverage.count('requests: new again, their key forgotten', judge.repeated)
    for (const problem of workload.invariants?.(judge.model) ?? []) world.fail('invariant', problem)
  }
  if (plan.tailLost > 0 && !broken()) await endWithShorterLog(plan, world, crew, clients)
  for (const slot of crew.slots) slot.running?.host.crash()
  await settled()
  const { problems, trace, coverage } = world
  trace.note(`the end: ${world.reference.at(world.reference.last)?.digest}`)
  return {
    seed: plan.seed,
    workload: plan.workload,
    problems,
    digest: trace.digest,
    trace: trace.lines ?? [],
    coverage: coverage.counts,
    ...(workload.asked ? { asked: workload.asked } : {}),
  }
}

const setupStep = (round: number): AskStep => ({
  kind: 'ask',
  atMs: 0,
  client: 0,
  units: [0, 1, 2, 3, round],
  roll: 0,
  withKey: true,
  acknowledge: 'committed',
  patienceMs: 2000,
  againMs: 0,
  read: 'plain',
  newer: false,
})

function calm(world: World, crew: Crew): void {
  world.trace.note('everything is well from now on')
  world.calm()
  crew.bury()
  for (const { running } of crew.slots) {
    if (!running) continue
    const { host, log, changes, store, image } = running
    for (const link of [log, changes]) {
      link.heal()
      link.connection.lateMs = () => 0
      link.glitch = 'none'
    }
    for (const one of [store, image]) one.heal()
    world.network.heal(host)
    host.spare()
    host.resume()
  }
  crew.startMissing()
}

/** Nothing goes wrong any more: everything must come back, agree, be stored, and answer. */
async function recover(
  world: World,
  crew: Crew,
  clients: Clients,
  { watch }: Workload,
): Promise<void> {
  calm(world, crew)
  const broken = () => world.problems.length > 0
  // The log goes on, for units tell it that they are there: what it held when all had been asked
  // must arrive everywhere.
  let target: number | undefined
  const missing = () => {
    if (clients.open > 0) return [`${clients.open} requests are open`]
    target ??= world.log.last
    return whatIsMissing(world, crew, target)
  }
  if (!(await world.until(() => broken() || missing().length === 0, recoveryMsMax)))
    world.fail('liveness', missing().join('; '))
  if (broken()) return
  for (const slot of crew.units) await probe(slot, world, clients)
  if (world.time.wasWrong) await goOn(world)
  crew.inspect()
  inspectProjections(world, crew, watch)
  if (!watch || broken()) return
  let left = crew.units.length
  for (const { name, unit } of crew.units)
    if (unit) void watch.inspect(unit, name, true).finally(() => left--)
    else left--
  await world.until(() => left === 0 || broken(), inspectionMsMax)
}

/** Whether rows are what the entries make: the application's functions are what it is told of. */
function inspectProjections(world: World, { units }: Crew, watch: Watch | undefined): void {
  for (const { name, unit } of units) {
    if (!unit?.projections) continue
    for (const { projection, text } of compareProjections(unit))
      if (watch) watch.projected(projection, text)
      else world.fail('projection', `${name}: ${projection.name}: ${text}`)
    if (unit.space.projections.length > 0) world.coverage.count('projections made anew')
  }
}

/**
 * However wrong clocks are, the log's time goes on: a little slower than it should if it is ahead,
 * and after a small step back not at once.
 */
async function goOn(world: World): Promise<void> {
  const reached = world.reference.state.time
  await world.until(() => world.problems.length > 0, timeGoesOnMs)
  const passed = world.reference.state.time - reached
  if (passed < timeGoesOnMs / 2)
    world.fail('time', `it has gone on by ${passed} ms in ${timeGoesOnMs} ms`)
}

/**
 * Often enough for a unit to publish again what its log has not heard: it refuses, when that has
 * been silent for long, until then.
 */
const probesMax = 12

/**
 * A unit that is ready does what it is asked, if not at once: what its frames met before may be
 * told only now.
 */
async function probe({ number, name }: Slot, world: World, clients: Clients): Promise<void> {
  const ask = clients.someCommand(number)
  let isDone: boolean | undefined
  void clients
    .command(ask, {
      ...setupStep(0),
      units: Array<number>(probesMax).fill(number),
      acknowledge: 'persisted',
      patienceMs: 10_000,
    })
    .then((done) => {
      isDone = done
    })
  await world.until(() => isDone !== undefined || world.problems.length > 0, 60_000)
  if (isDone !== true) world.fail('liveness', `${name} is ready, but does not do ${ask.name}`)
}

function whatIsMissing(world: World, crew: Crew, target: number): string[] {
  const missing: string[] = []
  const compare = (who: string, position = 0) => {
    if (position < target) missing.push(`${who} is at ${position} of ${target}`)
  }
  for (const slot of crew.slots) {
    const { running } = slot
    // Whatever the end of a fault starts again is there a moment later.
    if (!running) {
      crew.start(slot)
      missing.push(`${slot.name} is not there`)
      continue
    }
    const { ready, reason } = running.component.readiness()
    if (!ready) missing.push(`${slot.name}: ${reason}`)
    if (running.unit) compare(slot.name, running.unit.state?.position)
  }
  compare('the store', world.store.reached?.position)
  if (world.settings.withImage) compare('the image', world.image.reached?.position)
  return missing
}

/** Everything works, and something is stored: what is to be lost is there. False: it has failed. */
async function settleDown(world: World, crew: Crew): Promise<boolean> {
  const broken = () => world.problems.length > 0
  calm(world, crew)
  const missing = () => [
    ...crew.slots.filter(({ running }) => running?.component.readiness().ready !== true),
    ...(world.store.reached ? [] : [{ name: 'the store' }]),
  ]
  // Whatever the end of a fault starts again is there a moment later.
  const isThere = () => {
    crew.startMissing()
    return missing().length === 0
  }
  if (!(await world.until(() => broken() || isThere(), recoveryMsMax)))
    world.fail(
      'liveness',
      `not ready: ${missing()
        .map(({ name }) => name)
        .join(', ')}`,
    )
  return !broken()
}

/** Clients go on asking: what they are told is judged by the rules of the time after. */
function keepAsking(
  world: World,
  clients: Clients,
  steps: readonly Step[],
  forMs = withoutLogMs,
): void {
  const asks = steps.filter((step) => step.kind === 'ask')
  if (asks.length === 0) return
  for (let at = 0; at * askEveryMs < forMs; at++) {
    const step = asks[at % asks.length] as AskStep
    world.clock.after(at * askEveryMs, () => clients.step(step))
  }
}

/**
 * The log has been deleted and created again: what is stored must stay as it is, and nobody may
 * serve as if nothing had been.
 */
async function endWithoutLog(plan: Plan, world: World, crew: Crew, clients: Clients) {
  if (!(await settleDown(world, crew))) return
  const broken = () => world.problems.length > 0
  world.log.replace()
  world.coverage.count('fault: log replaced')
  if (plan.readersGone)
    for (const { role, running } of crew.slots) if (role === 'reader') running?.host.crash()
  keepAsking(world, clients, plan.steps)
  // Whoever has heard of it by then does not serve any more.
  await world.until(broken, noticedMsMax)
  clients.expectNoAnswers()
  await world.until(broken, withoutLogMs)
  for (const { name, running } of crew.slots)
    if (running?.unit?.readiness().ready) world.fail('log replaced', `${name} is ready`)
}

/**
 * The store lags behind, or does not: only in the first case is what the log will have lost not
 * stored either.
 */
async function prepareLoss(plan: Plan, world: World, crew: Crew, clients: Clients) {
  if (!(await settleDown(world, crew)) || !plan.storeLags) return
  for (const { running } of crew.slots) running?.store.cut()
  keepAsking(world, clients, plan.steps, powerLossMs)
  await world.until(() => world.problems.length > 0, powerLossMs)
}

/**
 * The log's server comes back without its last records. Whoever had seen them must not serve what
 * the log does not have (architecture.md, invariant 8): a unit that serves is exact, if there is
 * any. What is stored may be ahead of the log, or of another history; that is lost, and not looked
 * at here.
 */
async function endWithShorterLog(plan: Plan, world: World, crew: Crew, clients: Clients) {
  const broken = () => world.problems.length > 0
  const links = crew.slots.flatMap(({ running }) => running?.log ?? [])
  for (const link of links) link.cut()
  await world.until(broken, powerLossMs)
  world.loseTail(plan.tailLost)
  for (const link of links) link.heal()
  for (const { running } of crew.slots) running?.store.heal()
  await world.until(broken, noticedMsMax)
  world.tail = 'lost'
  keepAsking(world, clients, plan.steps)
  await world.until(broken, withoutLogMs)
  const isStoreAhead = (world.store.reached?.position ?? 0) > world.log.last
  world.coverage.count(`fault: log's tail lost${isStoreAhead ? ', the store ahead' : ''}`)
  crew.inspect()
}
