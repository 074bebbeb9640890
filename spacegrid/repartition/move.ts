import { isGridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNamesOf } from '@spacegrid/grid/core/log-name'
import type { MoveRecord } from '@spacegrid/grid/drivers/mongodb/mongo-move'
import { type KeptSettings, streamKinds } from '@spacegrid/grid/drivers/nats/space-streams'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Progress } from '../recover/exact-copies.ts'
import { Refused } from '../recover/refused.ts'
import { findStreams, type MovePlan } from './move-plan.ts'
import type { MovePorts } from './move-ports.ts'

/**
 * Carries the plan out. May be interrupted at any point: what is in MongoDB when the move begins is
 * all there is, the old logs are not asked again; and each step can be done once more. Until the
 * last one, which puts the new checkpoints in place, nobody begins with the space.
 * @throws Refused when somebody has written meanwhile, or what is there in the end is not what was
 * to be there
 */
export async function carryOut(
  plan: MovePlan,
  ports: MovePorts,
  progress: Progress,
): Promise<void> {
  const { space, record, goesOn } = plan
  const { store, image } = ports
  if (goesOn) await store.takeOver()
  else await begin(plan, ports)
  const old = logNamesOf(space, record.from)
  const names = logNamesOf(space, record.to)
  await emptyOld(old, names, record, ports)
  const identities = await makeNew(space, names, record, ports, progress)
  await store.rewrite(record, (read) => progress('rewriting', read))
  await checkCounts(record, ports, progress)
  if (image)
    for (const logName of new Set([...old, ...names])) await image.clear(logName).catch(unlessAway)
  await removeOld(old, names, ports)
  await store.finish(record, identities)
}

async function begin({ space, record, checkpoints }: MovePlan, ports: MovePorts): Promise<void> {
  await ports.store.begin(record, checkpoints)
  // Nobody stores anything any more; who has appended until now is seen here.
  const streams = await findStreams([...checkpoints.keys()], ports)
  const moved = [...checkpoints].find(
    ([logName, { position }]) => streams.get(`${logName} log`)?.last !== position,
  )
  if (!moved) return
  await ports.store.giveUp(record.from)
  throw new Refused(
    `somebody has written to ${moved[0]} just now: stop whatever works for ${space}; nothing has been changed`,
  )
}

/**
 * Everything of them is in MongoDB. Names that stay keep their streams until others stand in for
 * them, so that nobody who starts meanwhile makes one that begins at 1.
 */
async function emptyOld(
  old: readonly LogName[],
  names: readonly LogName[],
  { after }: MoveRecord,
  ports: MovePorts,
): Promise<void> {
  for (const found of (await findStreams(old, ports)).values()) {
    const isNew = found.last >= after && names.some((name) => isOf(found.config.subjects, name))
    if (!isNew) await ports.streams.empty(found)
  }
}

const isOf = (of: readonly string[], name: LogName): boolean =>
  streamKinds.some((kind) => of.includes(subjects[kind](name)))

/** Those that are there already are made again: nobody has read anything of them yet. */
async function makeNew(
  space: string,
  names: readonly LogName[],
  { after, streams: kept, to }: MoveRecord,
  { streams }: MovePorts,
  progress: Progress,
): Promise<ReadonlyMap<LogName, string>> {
  const division = to === 1 ? undefined : { partitions: to, subjects: subjects.log(`${space}.*`) }
  const settings = kept as unknown as KeptSettings
  const identities = new Map<LogName, string>()
  for (const logName of names) {
    for (const kind of streamKinds) {
      const made = await streams.replace(logName, kind, after, settings, division)
      if (kind === 'log') identities.set(logName, made.identity)
    }
    progress('making logs', identities.size)
  }
  return identities
}

/** @throws Refused when MongoDB gives back something else than was to be there */
async function checkCounts(
  { to, counts, ...record }: MoveRecord,
  { store }: MovePorts,
  progress: Progress,
): Promise<void> {
  const found = await store.recount({ ...record, to, counts }, (read) =>
    progress('reading again', read),
  )
  for (const [partition, { entries, digest }] of counts.entries()) {
    const is = found[partition]
    if (is?.entries !== entries || is.digest !== digest)
      throw new Refused(
        `partition ${partition} has ${is?.entries} entries with the digest ${is?.digest} now, not ${entries} with ${digest}: somebody has written to MongoDB meanwhile. Nobody begins with it; put the documents right, or restore a backup, and run this again`,
      )
  }
}

async function removeOld(
  old: readonly LogName[],
  names: readonly LogName[],
  { streams }: MovePorts,
): Promise<void> {
  for (const logName of old)
    if (!names.includes(logName))
      for (const kind of [...streamKinds, 'past'] as const) await streams.remove(logName, kind)
}

/** Redis keeps nothing that is missed: an image of an old log is passed over. */
function unlessAway(error: unknown): void {
  if (!isGridError(error, 'image_unavailable')) throw error
}
