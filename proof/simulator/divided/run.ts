import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { RunResult } from '../run.ts'
import { settled } from '../world/passing-time.ts'
import { makeAccounts, nextCommand } from './accounts.ts'
import { Clients } from './clients.ts'
import { Crew, type Running } from './crew.ts'
import { applyFault, makeWell } from './faults.ts'
import { judge } from './judge.ts'
import type { Slot } from './places.ts'
import type { AskStep, DividedPlan } from './plan.ts'
import { DividedWorld } from './world.ts'

const setupMsMax = 30_000
const recoveryMsMax = 120_000
const inspectEveryMs = 700
const probesMax = 8

/**
 * Runs a grid of several partitions: units come, go, stand still and believe wrong things of each
 * other, requests are passed on, commands cross partitions, and whoever coordinates one dies at any
 * step. To its end or its first violation.
 */
export async function runDivided(plan: DividedPlan, keepTrace = false): Promise<RunResult> {
  const world = new DividedWorld(plan.seed, plan.settings, keepTrace)
  const { partitions } = plan.settings
  const crew = new Crew(world, makeAccounts(partitions))
  const clients = new Clients(world, crew)
  const broken = () => world.problems.length > 0
  const inspect = () => {
    crew.inspect()
    world.clock.after(inspectEveryMs, inspect)
  }
  world.clock.after(inspectEveryMs, inspect)
  crew.startMissing()
  const allReady = () => crew.running.every(({ unit }) => unit.readiness().ready)
  if (!(await world.until(() => allReady() || broken(), setupMsMax)))
    world.fail('liveness', `not ready within ${setupMsMax} ms`)
  if (!broken()) {
    for (const step of plan.steps)
      world.clock.after(step.atMs, () => {
        if (step.kind === 'ask') clients.step(step)
        else applyFault(step.fault, world, crew)
      })
    await world.until(broken, plan.endMs)
    await recover(world, crew, clients)
  }
  if (!broken())
    for (const problem of judge(clients.requests, world.references)) world.fail('judge', problem)
  for (const { host } of crew.running) host.crash()
  await settled()
  const { problems, trace, coverage } = world
  trace.note(`the end: ${world.references.map((it) => it.at(it.last)?.digest).join(' ')}`)
  return {
    seed: plan.seed,
    workload: plan.workload,
    problems,
    digest: trace.digest,
    trace: trace.lines ?? [],
    coverage: new Map([...coverage.counts].map(([what, times]) => [`divided: ${what}`, times])),
  }
}

/** Nothing goes wrong any more: everything must come back, agree, let go and answer. */
async function recover(world: DividedWorld, crew: Crew, clients: Clients): Promise<void> {
  makeWell(world, crew)
  crew.startMissing()
  const broken = () => world.problems.length > 0
  const missing = () => whatIsMissing(world, crew, clients)
  if (!(await world.until(() => broken() || missing().length === 0, recoveryMsMax)))
    world.fail('liveness', missing().join('; '))
  if (broken()) return
  for (const slot of crew.slots) await probe(slot, world, clients)
  const isOver = () => world.references.every(({ state }) => state.holds.size === 0)
  if (!broken() && !(await world.until(() => broken() || isOver(), recoveryMsMax)))
    world.fail('liveness', 'something is held for ever')
  crew.inspect()
}

function whatIsMissing(world: DividedWorld, crew: Crew, clients: Clients): string[] {
  const missing: string[] = []
  if (clients.open > 0) missing.push(`${clients.open} requests are open`)
  const { partitions, copies } = world.settings
  const { length: units } = crew.slots
  for (const { name, running } of crew.slots) {
    if (!running) {
      crew.startMissing()
      missing.push(`${name} is not there`)
      continue
    }
    const { ready, reason } = running.unit.readiness()
    if (!ready) missing.push(`${name}: ${reason}`)
  }
  for (const [partition, { state, last }] of world.references.entries()) {
    if (state.holds.size > 0) missing.push(`partition ${partition} has ${state.holds.size} holds`)
    const kept = crew.running.filter(({ unit }) => unit.kept.has(partition))
    if (kept.length < Math.min(copies, units))
      missing.push(`partition ${partition} is kept by ${kept.length} of ${copies}`)
    for (const { unit } of kept) {
      const position = unit.kept.get(partition)?.position ?? 0
      if (position < last - partitions)
        missing.push(`a copy of partition ${partition} is at ${position} of ${last}`)
    }
  }
  return missing
}

/** A unit that is ready does what it is asked, wherever what it takes is kept. */
async function probe(
  { number, name }: Slot<Running>,
  world: DividedWorld,
  clients: Clients,
): Promise<void> {
  const random = new SeededRandom(number)
  const asked = nextCommand(random, `probe ${number}`)
  const step: AskStep = {
    ...{ kind: 'ask', atMs: 0, client: 99, roll: 0, isQuery: false, withKey: true },
    units: Array<number>(probesMax).fill(number),
    patienceMs: 10_000,
  }
  let isDone: boolean | undefined
  void clients.command(asked, step).then((done) => {
    isDone = done
  })
  await world.until(() => isDone !== undefined || world.problems.length > 0, 100_000)
  if (isDone !== true) world.fail('liveness', `${name} is ready, but does not do ${asked.name}`)
}
