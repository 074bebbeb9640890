import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, test } from 'vitest'
import { makePlan, type Plan } from './plan/plan.ts'
import gapBehindPurge from './regressions/gap-behind-purge.json' with { type: 'json' }
import logReplaced from './regressions/log-replaced.json' with { type: 'json' }
import lostPast from './regressions/lost-past.json' with { type: 'json' }
import nothingStored from './regressions/nothing-stored.json' with { type: 'json' }
import pumpLogReplaced from './regressions/pump-log-replaced.json' with { type: 'json' }
import refusedThenDone from './regressions/refused-then-done.json' with { type: 'json' }
import standbyPump from './regressions/standby-pump.json' with { type: 'json' }
import { planOf, tryPlan, tryQuickly, workloadNames } from './seed-run.ts'
import { shrink } from './shrink.ts'
import { Coverage } from './world/coverage.ts'

const base = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/** So many seeds, or fewer where the machine is busy, but never fewer than this. */
const seedsMax = 300
const msMax = 15_000
const seedsMin = 200

/** What happens in so many runs that some are enough to see it. */
const usual = [
  ...['fault: crash unit', 'fault: crash pump', 'fault: pause unit', 'fault: appends'],
  ...['frames: ignored', 'frames: part', 'frames: shape', 'windows: in parts', 'pump: superseded'],
  ...['transactions: collided', 'transactions: refused', 'calls: replayed by their key'],
  ...['rehydrated from peer', 'rehydrated from reader', 'rehydrated from log', 'image: rebuilt'],
  ...['calls: persisted', 'calls: accepted', 'queries: latest', 'replicas compared in full'],
  ...['divided: fault: crash', 'divided: prepare: applied', 'divided: decide: commit'],
  ...['divided: finish: commit', 'divided: replicas compared in full'],
]

// architecture.md, section 3: all of it.
test(`every promise is kept, whatever happens (seeds from ${base}: npm run simulate -- --seed N --trace)`, {
  // The fewest seeds take a busy machine some minutes.
  timeout: 600_000,
}, async () => {
  const until = performance.now() + msMax
  const coverage = new Coverage()
  for (let n = 0; n < seedsMax && (n < seedsMin || performance.now() < until); n++) {
    const { problems, coverage: counts } = await tryPlan(planOf(base + n))
    expect([base + n, problems.slice(0, 3)]).toEqual([base + n, []])
    coverage.add(counts)
  }
  for (const what of usual) expect([what, coverage.counts.get(what)]).not.toEqual([what, undefined])
})

test('the same seed gives the same run, to the last interleaving', async () => {
  for (let seed = base; seed < base + 8; seed++) {
    const first = await tryPlan(planOf(seed))
    await tryPlan(planOf(seed + 100))
    expect((await tryPlan(planOf(seed))).digest).toBe(first.digest)
  }
})

test('without the stacks of its errors a run is the same', async () => {
  for (const workload of workloadNames) {
    const plan = planOf(base, workload)
    const { digest, problems } = await tryPlan(plan)
    const quick = await tryQuickly(plan)
    expect([workload, quick.digest, quick.problems]).toEqual([workload, digest, problems])
  }
  expect(Error.stackTraceLimit).toBeGreaterThan(0)
})

// Shortest plans that made the grid break a promise once.
test.each([
  ['a pump that stands by is ready, whatever held it up before', standbyPump],
  [
    'a writer behind a purged queue goes on where another one has carried the store',
    gapBehindPurge,
  ],
  ['no unit begins with a log that took the place of another one', logReplaced],
  ['a pump that lost its queue before anything was stored goes back to the log', nothingStored],
  ['no pump begins with a log that took the place of the one it followed', pumpLogReplaced],
  ['pumps that did not follow while the log lost its end publish nothing of it', lostPast],
  ['what was passed on and refused is not done by a second copy of the message', refusedThenDone],
])('%s', async (_, plan) => {
  expect((await tryPlan(plan as unknown as Plan)).problems).toEqual([])
})

test('a failing plan is shortened to what it takes to fail', async () => {
  const plan = makePlan(base, ['bank'])
  const [step] = plan.steps.filter(({ kind }) => kind === 'fault')
  const needed = step ?? plan.steps[new SeededRandom(base).below(plan.steps.length)]
  const fails = async (candidate: Plan) => {
    const problems = needed && candidate.steps.includes(needed) ? ['rule: broken'] : []
    return { problems }
  }
  const { plan: shortest } = await shrink(plan, 'rule', { runsMax: 1000, msMax: 60_000 }, fails)
  expect(shortest.steps).toEqual([needed])
})
