import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNamesOf } from '@spacegrid/grid/core/log-name'
import { movedShape, PartitionCounts, withPartitions } from '@spacegrid/grid/core/repartition'
import type { SpaceShape } from '@spacegrid/grid/core/shape'
import type { MoveRecord } from '@spacegrid/grid/drivers/mongodb/mongo-move'
import { type FoundStream, streamKinds } from '@spacegrid/grid/drivers/nats/space-streams'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader, encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { streamShare } from '@spacegrid/grid/program/named-spaces'
import type { Progress } from '../recover/exact-copies.ts'
import { beyond } from '../recover/log-recovery.ts'
import { Refused } from '../recover/refused.ts'
import type { MovePorts } from './move-ports.ts'
import { hearWorkers } from './workers-heard.ts'

/** What will be done to move a space. */
export interface MovePlan {
  readonly space: string
  readonly record: MoveRecord
  /** A move that another run has begun goes on. */
  readonly goesOn: boolean
  /** Where the old logs end, which is where MongoDB is; of a move that goes on nothing. */
  readonly checkpoints: ReadonlyMap<LogName, Checkpoint>
  /** Entries that are there now: the grid's own, and answers that go everywhere, count once. */
  readonly entries: number
  /** Answers under idempotency keys that have to make room for others under the same key. */
  readonly forgotten: number
  /** Pieces of large transactions that nobody will ever send the rest of. */
  readonly unfinished: number
}

/** Caches of what commands across partitions have begun and not finished. */
const open = ['_holds', '_commits']

/**
 * Looks whether the space can be moved, and reads all of it. undefined: it has so many partitions
 * already.
 * @param definition as the application has it, with whatever number
 * @throws Refused; GridError `definition_conflict`, `record_damaged`
 */
export async function planMove(
  definition: Space,
  to: number,
  ports: MovePorts,
  progress: Progress,
): Promise<MovePlan | undefined> {
  const { name: space } = definition
  const { store, messaging, clock } = ports
  const stored = await store.look()
  const { move, checkpoints } = stored
  if (move && move.to !== to)
    throw new Refused(
      `${space} is being moved from ${move.from} to ${move.to} partitions; that has to come to its end first: --partitions ${move.to}`,
    )
  if (!move && checkpoints.size === 0)
    throw new Refused(`MongoDB holds nothing of ${space}: units can be started with any number`)
  const shapes = [...checkpoints.values()].map(({ replicated }) => decodeHeader(replicated.slice()))
  const from = move?.from ?? shapes[0]?.shape.partitions ?? 1
  if (!move && from === to) return undefined
  const logNames = new Set([...logNamesOf(space, from), ...logNamesOf(space, to)])
  const streams = await findStreams([...logNames], ports)
  refuseIfFollowed(space, await hearWorkers(space, messaging, clock), streams)
  if (move) return planOf(space, move)
  const old = completeOf(logNamesOf(space, from), checkpoints)
  for (const [cache, entries] of stored.own)
    if (open.includes(cache) && entries > 0)
      throw new Refused(
        `${entries} commands across partitions of ${space} are not finished (${cache}): start units, pump and writer, and wait until /status shows no holds`,
      )
  if (stored.quarantined > 0)
    throw new Refused(
      `${stored.quarantined} entries of ${space} are in quarantine, where they would stay: npx spacegrid quarantine list`,
    )
  refuseIfBehind(old, streams)
  const shape = movedShape(
    shapes.map((it) => it.shape),
    withPartitions(definition, to),
  )
  const counted = await countEntries(space, from, shape, old, ports, progress)
  const last = Math.max(0, ...[...streams.values()].map((stream) => stream.last))
  const after = beyond(Math.max(last, ...[...old.values()].map(({ position }) => position)))
  const time = Math.max(...shapes.map((it) => it.time))
  const record: MoveRecord = {
    ...{ from, to, after, counts: counted.counts },
    replicated: encodeHeader({ position: after, time, shape, origins: [] }),
    streams: keptOf([...streams.values()], to, ports),
  }
  return {
    ...planOf(space, record),
    ...{ goesOn: false, checkpoints: old, forgotten: counted.forgotten },
    entries: counted.entries,
    unfinished: stored.own.get('_parts') ?? 0,
  }
}

const planOf = (space: string, record: MoveRecord): MovePlan => ({
  ...{ space, record, goesOn: true, checkpoints: new Map(), forgotten: 0, unfinished: 0 },
  entries: record.counts.reduce((sum, { entries }) => sum + entries, 0),
})

/** Both streams of each log, by their names. */
export async function findStreams(
  logNames: readonly LogName[],
  { streams }: MovePorts,
): Promise<ReadonlyMap<string, FoundStream>> {
  const found = new Map<string, FoundStream>()
  for (const logName of logNames)
    for (const kind of streamKinds) {
      const stream = await streams.find(logName, kind)
      if (stream) found.set(`${logName} ${kind}`, stream)
    }
  return found
}

/** A process that is frozen says nothing, but its place in the stream is kept. */
function refuseIfFollowed(
  space: string,
  workers: readonly string[],
  streams: ReadonlyMap<string, FoundStream>,
): void {
  if (workers.length > 0) throw new Refused(`${space} is in use: stop ${workers.join(', ')} first`)
  const followed = [...streams.values()].filter(({ consumers }) => consumers > 0)
  if (followed.length === 0) return
  const shown = followed.slice(0, 3).map(({ name }) => name)
  const more = followed.length > shown.length ? ` and ${followed.length - shown.length} more` : ''
  throw new Refused(
    `somebody follows ${shown.join(', ')}${more}: stop whatever works for ${space} (who was killed is forgotten after 30 s)`,
  )
}

/** @throws Refused when there is not one for each log */
function completeOf(
  logNames: readonly LogName[],
  checkpoints: ReadonlyMap<LogName, Checkpoint>,
): ReadonlyMap<LogName, Checkpoint> {
  const missing = logNames.filter((logName) => !checkpoints.has(logName))
  const other = [...checkpoints.keys()].filter((logName) => !logNames.includes(logName))
  if (missing.length === 0 && other.length === 0) return checkpoints
  throw new Refused(
    missing.length > 0
      ? `MongoDB holds nothing of ${missing.join(', ')}: start units, pump and writer until everything is stored`
      : `MongoDB holds ${other.join(', ')}, which the definition there does not have`,
  )
}

function refuseIfBehind(
  checkpoints: ReadonlyMap<LogName, Checkpoint>,
  streams: ReadonlyMap<string, FoundStream>,
): void {
  const behind: string[] = []
  for (const [logName, { position, logIdentity }] of checkpoints) {
    const log = streams.get(`${logName} log`)
    if (!log || log.identity !== logIdentity || log.first > position + 1 || log.last < position)
      throw new Refused(
        `the log of ${logName} does not continue what MongoDB holds: npx spacegrid recover --space ${logName}`,
      )
    if (log.last > position) behind.push(`${logName} by ${log.last - position} positions`)
  }
  if (behind.length > 0)
    throw new Refused(
      `MongoDB is behind the log: ${behind.join(', ')}. Start data pump and data writer, wait until their lag is 0, and stop them`,
    )
}

/**
 * Reads everything, and compares it with what the old checkpoints say.
 * @throws Refused when it is not that
 */
async function countEntries(
  space: string,
  from: number,
  shape: SpaceShape,
  checkpoints: ReadonlyMap<LogName, Checkpoint>,
  { store }: MovePorts,
  progress: Progress,
) {
  const names = logNamesOf(space, from)
  const shapes = names.map((logName) => {
    const { replicated = new Uint8Array() } = checkpoints.get(logName) ?? {}
    return decodeHeader(replicated.slice()).shape
  })
  // Each log has its own order of caches, by which its digest is made.
  const old = shapes.map((one) => new PartitionCounts(one, 1))
  const entry = (partition: number | undefined, { cache, key, version }: Counted) =>
    old[partition ?? 0]?.add(0, cache, key, version)
  const { counts, forgotten } = await wrongIsRefused(space, () =>
    store.count(from, shape, { entry }, (read) => progress('reading', read)),
  )
  let entries = 0
  for (const [at, logName] of names.entries()) {
    const [is] = old[at]?.result() ?? []
    const said = checkpoints.get(logName)
    entries += is?.entries ?? 0
    if (is?.digest !== said?.digest || is?.entries !== said?.entries)
      throw new Refused(
        `MongoDB does not hold what the checkpoint of ${logName} says: ${is?.entries} entries with the digest ${is?.digest}, not ${said?.entries} with ${said?.digest}. npx spacegrid audit, or recover --store`,
      )
  }
  return { counts, forgotten, entries }
}

interface Counted {
  readonly cache: string
  readonly key: string
  readonly version: number
}

async function wrongIsRefused<T>(space: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (isGridError(error, 'record_damaged'))
      throw new Refused(`${error.message}: npx spacegrid audit, or recover --store`)
    if (isGridError(error, 'invalid_input'))
      throw new Refused(`${space} cannot be divided so: ${error.message}`)
    throw error
  }
}

/** An operator's decision on the room that a space may take is kept, and shared out anew. */
function keptOf(
  streams: readonly FoundStream[],
  to: number,
  { streamBytesMax, streamReplicas }: MovePorts,
): MoveRecord['streams'] {
  const [first] = streams
  const logs = streams.filter(({ config }) => config.subjects[0]?.endsWith('.log'))
  const isLimited = logs.length > 0 && logs.every(({ config }) => config.max_bytes > 0)
  const total = logs.reduce((sum, { config }) => sum + config.max_bytes, 0)
  const all = isLimited ? total : logs.length > 0 ? -1 : streamBytesMax
  const { placement, num_replicas = streamReplicas } = first?.config ?? {}
  return {
    ...{ num_replicas, max_bytes: all > 0 ? streamShare(all, to) : -1 },
    ...(placement ? { placement } : {}),
  }
}
