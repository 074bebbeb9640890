import { GridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNameOf, partitionOf } from '@spacegrid/grid/core/log-name'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import type { Progress } from '../recover/exact-copies.ts'
import { beyond, checkpointOf, continuing } from '../recover/log-recovery.ts'
import type { RecoveryGrid, RecoveryPorts } from '../recover/recovery-grid.ts'
import { Refused } from '../recover/refused.ts'
import { hearReplicas } from '../recover/replicas-heard.ts'
import { StoreWriting } from '../recover/store-rewriting.ts'
import { stateAt } from './backed-up-state.ts'
import type { RestorePoint } from './restore-point.ts'

/** In the checkpoint of a store that is being restored: it belongs to no log. */
export const beingRestored = 'none: it is being restored by npx spacegrid restore'

export interface RestoreOptions {
  readonly folder: string
  /** Name of the space that it becomes. Left out: what it was. */
  readonly as?: string | undefined
  /** What there is goes. */
  readonly overwrite: boolean
  readonly progress: Progress
}

/** What a log became. */
export interface Restored {
  readonly log: LogName
  /** What it was when it was backed up, and its position there. */
  readonly from: LogName
  readonly position: number
  readonly entries: number
  /** Of what was read again of the store. */
  readonly digest: string
  /** Log time at the position, ms since the epoch. */
  readonly time: number
  /** Somebody of the original has said that this was its digest, there. */
  readonly isProved: boolean
  /** The first position of the new log. */
  readonly goesOnAt: number
  /** Entries whose values the store gives back otherwise. */
  readonly different: readonly string[]
}

interface Target extends RestorePoint {
  readonly log: LogName
  readonly ports: RecoveryPorts
  readonly found: { readonly log: LogBounds | undefined; readonly changes: LogBounds | undefined }
}

interface Written {
  readonly target: Target
  readonly writing: StoreWriting
  readonly checkpoint: Checkpoint
  readonly restored: Restored
}

/**
 * Makes spaces of a grid what they were at their points. First the store is taken away from
 * everybody, then it is written, log by log, in the memory that a unit needs for one of them; at
 * last each gets a new log that goes on from it, far behind the old one. Interrupted at any moment
 * nothing of a space is there that anybody would begin with, and it can be begun anew.
 * @throws Refused when something is there, or somebody works
 */
export async function restore(
  grid: RecoveryGrid,
  points: readonly RestorePoint[],
  options: RestoreOptions,
): Promise<Restored[]> {
  const targets = await targetsOf(grid, points, options)
  for (const target of targets) await takeAway(target)
  const written: Written[] = []
  for (const target of targets) written.push(await write(target, options))
  for (const one of written) await giveLog(one)
  return written.map(({ restored }) => restored)
}

async function targetsOf(
  grid: RecoveryGrid,
  points: readonly RestorePoint[],
  { as, overwrite }: RestoreOptions,
): Promise<Target[]> {
  const targets: Target[] = []
  let isBegun = false
  const inTheWay: string[] = []
  const named = ({ run: { log } }: RestorePoint) =>
    as === undefined ? log : logNameOf(as, partitionOf(log))
  const logs = points.map(named)
  for (const point of points) {
    const log = named(point)
    const ports = await grid.portsOf(log, logs)
    const checkpoint = await ports.store.checkpoint(log)
    const found = { log: await ports.log.look(), changes: await ports.changes.look() }
    if (checkpoint?.logIdentity === beingRestored) isBegun = true
    else if (checkpoint) inTheWay.push(`${grid.names.store} holds ${log}`)
    if ((found.log?.last ?? 0) > 0) inTheWay.push(`there is a ${grid.names.log(log)}`)
    targets.push({ ...point, log, ports, found })
  }
  if (inTheWay.length > 0 && !isBegun && !overwrite)
    throw new Refused(
      `${inTheWay[0]}: a backup is restored into an empty grid, under another name (--as), or in the place of what is there (--overwrite: that is lost)`,
    )
  await refuseWhileUsed(targets)
  return targets
}

/** Whoever runs would go on with what it has. */
async function refuseWhileUsed(targets: readonly Target[]): Promise<void> {
  const heard = await Promise.all(
    targets.map(async ({ log, ports: { messaging, clock } }) =>
      messaging ? await hearReplicas(log, messaging, clock) : [],
    ),
  )
  const [first] = heard.flat()
  if (first)
    throw new Refused(
      `${first.role} ${first.name} is running: stop all units, pumps, writers and readers of the space first`,
    )
}

async function takeAway({ log, ports: { store, image, random } }: Target): Promise<void> {
  await image?.clear(log)
  await store.clear(log)
  await new StoreWriting(log, new SpaceState(), store, random, beingRestored).begin()
}

async function write(target: Target, { folder, progress }: RestoreOptions): Promise<Written> {
  const { run, position, log, ports, found } = target
  const { store, clock, random } = ports
  const tell: Progress = (what, count) => progress(`${log}: ${what}`, count)
  const { state, proved, archived } = await stateAt(folder, run, position, clock, tell)
  const writing = new StoreWriting(log, state, store, random, beingRestored)
  await writing.begin()
  const different = await writing.write(tell, archived())
  const after = beyond(Math.max(run.last, found.log?.last ?? 0, found.changes?.last ?? 0))
  const checkpoint = checkpointOf(state, beingRestored)
  const { digest, entries } = checkpoint
  return {
    ...{ target, writing, checkpoint },
    restored: {
      ...{ log, from: run.log, position, digest, entries, different },
      time: state.time,
      isProved: proved.includes(position),
      goesOnAt: after + 1,
    },
  }
}

async function giveLog({ target, writing, checkpoint, restored }: Written): Promise<void> {
  const { ports, found } = target
  const after = restored.goesOnAt - 1
  const bounds = await ports.log.replace(found.log, after)
  await ports.changes.replace(found.changes, after)
  if (bounds.last !== after)
    throw new GridError('fenced', `Somebody has begun the log of ${target.log} meanwhile`)
  await writing.end(continuing(checkpoint, after, bounds))
}
