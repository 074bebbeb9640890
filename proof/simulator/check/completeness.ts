import { dividedFaults, dividedWorkload } from '../divided/plan.ts'
import { faultKinds } from '../plan/fault.ts'
import { reactingWorkload } from '../reacting/plan.ts'
import { workloads } from '../workloads/all-workloads.ts'

/** In so many seeds everything that can happen does. */
export const completeSeedsMin = 5000

/** How runs may end beside recovering. */
const endings = ["fault: log's tail lost", "fault: log's tail lost, the store ahead"]

/** On several partitions. */
const dividedHappenings = [
  ...['prepare: applied', 'prepare: collided', 'decide: commit', 'decide: abort'],
  ...['finish: commit', 'finish: abort', 'asked: commit', 'asked: abort'],
]

/** Of two spaces. */
const reactingHappenings = [
  'orders: confirmed',
  'orders: cancelled',
  'orders: cancelled, ticket withdrawn',
]

/** What never happened in all those runs, so that their success says nothing of it. */
export function neverHappened(counts: ReadonlyMap<string, number>): string[] {
  const ofFaults = new Set(
    [...counts.keys()].map((what) => what.replace(/ (?:unit|pump|writer|reader)$/, '')),
  )
  const isThere = (what: string) => counts.has(what) || ofFaults.has(what)
  return [
    ...[...faultKinds(), 'log replaced'].map((kind) => `fault: ${kind}`),
    ...endings,
    ...['peer', 'reader', 'store', 'log'].map((source) => `rehydrated from ${source}`),
    ...workloads.map(({ name }) => `workload: ${name}`),
    `workload: ${dividedWorkload}`,
    ...dividedFaults.map((kind) => `divided: fault: ${kind}`),
    `workload: ${reactingWorkload}`,
    ...reactingHappenings.map((what) => `reactions: ${what}`),
    ...dividedHappenings.map((what) => `divided: ${what}`),
  ].filter((what) => !isThere(what))
}
