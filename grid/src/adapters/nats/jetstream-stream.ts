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
import { GridError, isGridError } from '../../errors.ts'
import type { LogBounds } from '../../ports/log.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'

const retryMs = 250

export interface StreamSettings {
  readonly stream: string
  /** The one subject whose messages the stream stores. */
  readonly subject: string
  /** Copies of the stream in a NATS cluster: 1 or 3. Default 1. Only used when the stream is created. */
  readonly replicas?: number
  /** Size at which the log is full, in bytes of storage. Default -1: as much as the server has. Only used when the stream is created. */
  readonly maxBytes?: number
}

/**
 * Finds the stream, or creates it, and checks that it can serve as a log. Keeps trying for `timeoutMs` while JetStream is still
 * starting or has no leader. How large it is and how often it is replicated is an operator's decision once it exists.
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
      if (hopeless && isGridError(fault, 'log_full')) throw notEnoughStorage(settings, fault)
      if (hopeless) throw fault
    }
    await delay(retryMs)
  }
}

export const identityOf = (info: StreamInfo): string => `${info.config.name}@${info.created}`

export function boundsOf(info: StreamInfo): LogBounds {
  const { first_seq, last_seq, messages } = info.state
  return {
    identity: identityOf(info),
    first: messages === 0 ? last_seq + 1 : first_seq,
    last: last_seq,
  }
}

async function findOrCreate(
  manager: JetStreamManager,
  settings: StreamSettings,
): Promise<StreamInfo> {
  try {
    return await manager.streams.info(settings.stream)
  } catch (error) {
    if (!isJetStreamError(error, jetStreamCodes.streamNotFound)) throw error
  }
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

/** What makes a stream a log: nothing leaves it but by `trim`, and nothing enters it beside `append`. */
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
  // Deduplication does not rest on the broker's time window (invariant 3): the shortest there is, for it costs memory.
  duplicate_window: nanos(100),
  allow_direct: true,
  deny_delete: false,
  deny_purge: false,
  allow_rollup_hdrs: false,
})

function checked(info: StreamInfo, settings: StreamSettings): StreamInfo {
  const { config } = info
  const requirements: readonly (readonly [string, boolean])[] = [
    [`subjects is not exactly ${settings.subject}`, config.subjects.join() === settings.subject],
    ['storage is not file', config.storage === StorageType.File],
    ['retention is not limits', config.retention === RetentionPolicy.Limits],
    ['discard is not new', config.discard === DiscardPolicy.New],
    ['max_age is set', config.max_age === 0],
    ['max_msgs is set', config.max_msgs <= 0],
    ['max_msgs_per_subject is set', config.max_msgs_per_subject <= 0],
    ['it is sealed', !config.sealed],
    ['deny_purge is set', !config.deny_purge],
    ['allow_rollup_hdrs is set', !config.allow_rollup_hdrs],
    ['it is a mirror or has sources', !config.mirror && !config.sources?.length],
  ]
  const failed = requirements.find(([, holds]) => !holds)
  if (failed === undefined) return info
  throw new GridError(
    'configuration_invalid',
    `Stream ${settings.stream} exists and cannot serve as a log: ${failed[0]}`,
  )
}

const notEnoughStorage = (settings: StreamSettings, cause: GridError): GridError =>
  new GridError(
    'configuration_invalid',
    `NATS has no room for stream ${settings.stream} of ${settings.maxBytes ?? -1} bytes`,
    { cause },
  )
