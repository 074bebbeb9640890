import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { spacegridProgram } from 'spacegrid/own-program'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { PatientClient } from '../support/patient-client.ts'
import { repositoryApplication } from '../support/repository-application.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Outage, PartitionProbes, type Usual } from './partition-probes.ts'
import { UnitsWatch } from './units-watch.ts'

export interface ComeAndGoOptions {
  readonly units: number
  readonly partitions: number
  readonly events: number
  /** Users who come each second. */
  readonly rate: number
  /** Data and logs. */
  readonly folder: string
  readonly told?: (step: ComeAndGoStep) => void
}

export interface ComeAndGoStep {
  readonly what: string
  /** After a kill: until every partition had answered a command that was sent behind it, ms. */
  readonly answeredMs: number | undefined
  /** How long answers took before a kill. */
  readonly usual: Usual | undefined
  /** What the units' processes got of the machine from a kill until all had answered. */
  readonly processors: readonly string[]
  /** After a kill, by partition. */
  readonly outages: readonly ExplainedOutage[]
  /** Copies that have come to units which had not kept them. */
  readonly moved: number
  /** Copies that had to: those of the unit that has gone, or the share of the one that comes. */
  readonly fair: number
}

export interface ExplainedOutage extends Outage {
  /** What was seen of the partition meanwhile, in order; of a short one nothing. */
  readonly seen: readonly string[]
}

export interface ComeAndGoSummary {
  readonly steps: readonly ComeAndGoStep[]
  /** What the load's own audit and that of all copies have found. */
  readonly wrong: readonly string[]
}

type Kept = ReadonlyMap<string, ReadonlySet<number>>

/** Of each partition. */
const copies = 2
const space = 'ticketing'
/** A request that went to a unit which is gone, or is about to be, is sent again after that. */
const answerMs = 5000
const settledMsMax = 180_000
/** What took longer is explained. */
const explainedMs = 1000
const loadSecondsMax = 3600
const seats = 2000

/**
 * A cluster under load whose units come and go: two are killed, one after the other, one is added,
 * one is stopped in good order. Told is how long partitions did not answer and how much moved; at
 * the end the load accounts for every acknowledged order, and every copy is compared.
 */
export async function runComeAndGo(options: ComeAndGoOptions): Promise<ComeAndGoSummary> {
  const { units, partitions, folder, told } = options
  await using grid = await FaultGrid.start({
    ...{ units, folder },
    application: { ...repositoryApplication(space), partitions: { [space]: partitions } },
    environment: { PARTITIONS: String(partitions), COPIES: String(copies) },
  })
  const { cluster } = grid
  const [stays, first, second, leaves] = cluster.units as ComponentProcess[]
  if (!stays || !first || !second || !leaves) throw new Error('it takes four units')
  let kept = await settled(stays, units, partitions)
  const load = startLoad(cluster.urls.http, options)
  const probes = new PartitionProbes(new PatientClient(cluster.urls.http, { answerMs }), partitions)
  const watch = new UnitsWatch(() => cluster.units, space, partitions)
  await probes.answeredSince(performance.now())
  const steps: ComeAndGoStep[] = []
  const step = async (
    what: string,
    count: number,
    fairOf: (before: Kept) => number,
    killed: Partial<Pick<ComeAndGoStep, 'outages' | 'usual' | 'processors'>> = {},
  ) => {
    const after = await settled(stays, count, partitions)
    const [moved, fair] = [movedBetween(kept, after), fairOf(kept)]
    const { outages = [], usual, processors = [] } = killed
    const answeredMs = outages.length === 0 ? undefined : longestOf(outages)
    const done = { what, answeredMs, usual, processors, outages, moved, fair }
    steps.push(done)
    told?.(done)
    kept = after
  }
  const own =
    ({ settings }: ComponentProcess) =>
    (before: Kept) =>
      before.get(settings.name)?.size ?? 0
  for (const [at, victim] of [first, second].entries()) {
    await watch.begin()
    const usual = probes.usual()
    const killedAt = performance.now()
    victim.kill('SIGKILL')
    const found = await probes.answeredSince(killedAt)
    const processors = await watch.processors()
    const outages = await Promise.all(found.map((it) => explained(it, killedAt, watch)))
    await step(`${victim.settings.name} killed`, units - at - 1, own(victim), {
      outages,
      usual,
      processors,
    })
  }
  const added = await cluster.addUnit()
  const fairShare = (partitions * copies) / (units - 1)
  await step(`${added.settings.name} added`, units - 1, () => fairShare)
  await leaves.stop()
  await step(`${leaves.settings.name} stopped`, units - 2, own(leaves))
  await probes.answeredSince(performance.now())
  await probes.end()
  await watch.end()
  const wrong: string[] = []
  load.kill('SIGINT')
  const [code] = (await once(load, 'exit')) as [number | null]
  if (code !== 0) wrong.push(`the load has ended with ${code}: see ${join(folder, 'load.log')}`)
  const { nats, mongodb, redis } = cluster.urls
  for (let partition = 0; partition < partitions; partition++) {
    const logName = logNameOf(space, partition)
    const problems = await auditCopies({ nats, mongodb, redis }, logName, copies, settledMsMax)
    wrong.push(...problems.map((problem) => `partition ${partition}: ${problem}`))
  }
  return { steps, wrong }
}

async function explained(
  outage: Outage,
  since: number,
  watch: UnitsWatch,
): Promise<ExplainedOutage> {
  const { partition, answeredMs } = outage
  const isLong = answeredMs > explainedMs
  const seen = isLong ? await watch.toldOf(partition, since, since + answeredMs) : []
  const attempts = outage.attempts.map(({ sentAt, endedAt, came }) => ({
    ...{ sentAt: sentAt - since, endedAt: endedAt - since, came },
  }))
  return { partition, answeredMs, attempts, seen }
}

const longestOf = (outages: readonly Outage[]): number =>
  Math.max(...outages.map(({ answeredMs }) => answeredMs))

/** Users of several events; what it says is in `load.log`. */
function startLoad(url: string, { events, rate, folder }: ComeAndGoOptions): ChildProcess {
  const words = ['load', '--url', url, '--events', events, '--rate', rate, '--seats', seats]
  const more = [
    '--duration',
    loadSecondsMax,
    '--retries',
    20,
    '--retry-budget',
    0,
    '--timeout',
    5,
    '--drain',
    60,
  ]
  const child = spawn(process.execPath, [spacegridProgram, ...[...words, ...more].map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const file = createWriteStream(join(folder, 'load.log'))
  child.stdout.pipe(file)
  child.stderr.pipe(file)
  return child
}

/** Who keeps what, once exactly so many units keep everything that there should be. */
async function settled(
  { settings }: ComponentProcess,
  units: number,
  partitions: number,
): Promise<Kept> {
  let members: PlacementStatus['members'] = []
  await waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${settings.adminPort}/status`)
      const { placement } = (await response.json()) as {
        placement: Record<string, PlacementStatus>
      }
      const found = placement[space]
      if (!found) return false
      const { moving, scarce } = found
      members = found.members
      const expected = Math.min(copies, units) * partitions
      const kept = members.reduce((sum, { ready }) => sum + ready.length, 0)
      // Whoever has just come keeps nothing yet, and nothing moves: that is not the end of it.
      const isShared = members.every(({ ready }) => ready.length > expected / units - 2)
      const isWhole = moving === 0 && scarce.length === 0 && kept === expected
      return members.length === units && isShared && isWhole
    },
    { what: `${units} units to keep everything`, timeoutMs: settledMsMax },
  )
  return new Map(members.map(({ name, ready }) => [name, new Set(ready)]))
}

function movedBetween(before: Kept, after: Kept): number {
  let moved = 0
  for (const [name, partitions] of after)
    for (const partition of partitions) if (!before.get(name)?.has(partition)) moved++
  return moved
}
