import { setTimeout as delay } from 'node:timers/promises'
import {
  DiscardPolicy,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats'
import { GridError, isGridError } from '../../core/errors.ts'
import type { LogBounds } from '../../engine/ports/log.ts'
import { streams } from '../../engine/wire/subjects.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'
import { unfitness } from './stream-requirements.ts'

const retryMs = 250
/** What stands behind the log's name in the name of a stream of events. */
const [, eventsEnding = ''] = streams.events('*').split('*')

export interface StreamSettings {
  readonly stream: string
  /** The one subject whose messages the stream stores. */
  readonly subject: string
  /**
   * Copies of the stream in a NATS cluster: 1 or 3. Default 1. Only used when the stream is
   * created.
   */
  readonly replicas?: number
  /**
   * Size at which the log is full, in bytes of storage. Default -1: as much as the server has. Only
   * used when the stream is created.
   */
  readonly maxBytes?: number
  /** Name of the variable that says so, for people. Default STREAM_BYTES_MAX. */
  readonly sizedBy?: string
  /**
   * One that is missing is waited for: in a closed grid the data pump alone may create it. Default
   * false: it is created.
   */
  readonly isAwaited?: boolean
  /**
   * A stream that stores such subjects holds what this one would, in another way: while there is
   * one, this one is not created.
   */
  readonly rivals?: { readonly subject: string; readonly is: string }
  /**
   * Of a divided space: how many partitions it has, and under which subjects their streams are. It
   * is written down with the stream, and none is created beside streams that say another number.
   */
  readonly division?: { readonly partitions: number; readonly subjects: string }
}

/** In a stream's metadata: how many partitions its space has. */
const partitionsKey = 'spacegrid.partitions'

/**
 * Finds the stream, or creates it, and checks that it can serve as a log. Keeps trying for
 * `timeoutMs` while JetStream is still starting or has no leader. How large it is and how often it
 * is replicated is an operator's decision once it exists.
 */
export async function ensureStream(
  manager: JetStreamManager,
  settings: StreamSettings,
  timeoutMs: number,
): Promise<StreamInfo> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return checked(await findOrCreate(manager, settings), settings)
    } catch (error) {
      const fault = toLogError(error, `Stream ${settings.stream} cannot be opened`)
      const hopeless = !fault.retryable || performance.now() + retryMs >= deadline
      if (hopeless && isGridError(fault, 'log_full'))
        throw await notEnoughStorage(manager, settings, fault)
      if (hopeless) throw fault
    }
    await delay(retryMs)
  }
}

export const identityOf = (info: StreamInfo): string => `${info.config.name}@${info.created}`

export function boundsOf(info: StreamInfo): LogBounds {
  const { first_seq, last_seq, messages, bytes } = info.state
  return {
    identity: identityOf(info),
    first: messages === 0 ? last_seq + 1 : first_seq,
    last: last_seq,
    bytes,
  }
}

/** Share of its room that a stream has taken; undefined: its room has no limit of its own. */
export const filledOf = ({ config, state }: StreamInfo): number | undefined =>
  config.max_bytes > 0 ? state.bytes / config.max_bytes : undefined

async function findOrCreate(
  manager: JetStreamManager,
  settings: StreamSettings,
): Promise<StreamInfo> {
  try {
    return await manager.streams.info(settings.stream)
  } catch (error) {
    if (!isJetStreamError(error, jetStreamCodes.streamNotFound)) throw error
  }
  if (settings.isAwaited)
    throw new GridError(
      'log_unavailable',
      `Stream ${settings.stream} is not there yet: with STREAMS=await the data pump has to create it`,
    )
  await checkRivals(manager, settings)
  try {
    return await manager.streams.add(configOf(settings))
  } catch (error) {
    // Somebody else was faster, with other settings; what counts is what there is now.
    if (isJetStreamError(error, jetStreamCodes.streamNameInUse)) {
      return await manager.streams.info(settings.stream)
    }
    if (isJetStreamError(error, jetStreamCodes.subjectsOverlap)) {
      throw new GridError(
        'configuration_invalid',
        `Another stream than ${settings.stream} already stores the subject ${settings.subject}`,
        { cause: error },
      )
    }
    throw error
  }
}

async function checkRivals(
  manager: JetStreamManager,
  { stream, rivals, division }: StreamSettings,
): Promise<void> {
  const refuse = (rival: string, is: string) =>
    new GridError(
      'configuration_invalid',
      `Stream ${stream} is not created while there is ${rival}: ${is}`,
    )
  if (rivals)
    // Streams of events have subjects with any last word.
    for await (const rival of manager.streams.names(rivals.subject))
      if (!rival.endsWith(eventsEnding)) throw refuse(rival, rivals.is)
  if (division)
    for await (const { config } of manager.streams.list(division.subjects)) {
      const said = config.metadata?.[partitionsKey]
      if (said !== undefined && said !== `${division.partitions}`)
        throw refuse(config.name, `its space has ${said} partitions, not ${division.partitions}`)
    }
}

/**
 * What makes a stream a log: nothing leaves it but by `trim`, and nothing enters it beside
 * `append`.
 */
export const configOf = (settings: StreamSettings): Partial<StreamConfig> & { name: string } => ({
  name: settings.stream,
  subjects: [settings.subject],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.New,
  num_replicas: settings.replicas ?? 1,
  max_bytes: settings.maxBytes ?? -1,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  max_age: 0,
  // Deduplication does not rest on the broker's time window (invariant 3): the shortest there is,
  // for it costs memory.
  duplicate_window: nanos(100),
  allow_direct: true,
  deny_delete: false,
  deny_purge: false,
  allow_rollup_hdrs: false,
  ...(settings.division
    ? { metadata: { [partitionsKey]: `${settings.division.partitions}` } }
    : {}),
})

function checked(info: StreamInfo, { stream, subject }: StreamSettings): StreamInfo {
  const unfit = unfitness(info.config, subject)
  if (unfit === undefined) return info
  throw new GridError('configuration_invalid', cannotServe(stream, unfit))
}

/** One line, for the start of a program and for the time after it. */
export const cannotServe = (stream: string, unfit: string): string =>
  `Stream ${stream} cannot serve as a log: ${unfit}`

/**
 * What was asked for comes from a variable; what there is, only the server's operator can change.
 */
export async function notEnoughStorage(
  manager: JetStreamManager,
  { stream, maxBytes, sizedBy = 'STREAM_BYTES_MAX', division }: StreamSettings,
  cause: GridError,
): Promise<GridError> {
  const used = await manager.getAccountInfo().then(
    ({ storage, limits }) =>
      `, where its streams take ${storage} bytes` +
      (limits.max_storage > 0 ? ` of ${limits.max_storage} at most` : ''),
    // The server that has just refused says no more: then the message does without.
    () => '',
  )
  const partitions = division?.partitions ?? 1
  const share = partitions > 1 ? `${partitions} shares of ` : ''
  const what = maxBytes === undefined ? '' : `: ${share}${sizedBy}=${maxBytes * partitions}`
  return new GridError(
    'configuration_invalid',
    `NATS has no room for stream ${stream}${what} is more than max_file_store leaves${used}; set ${sizedBy} lower, or give NATS more (${cause.message})`,
    { cause },
  )
}
