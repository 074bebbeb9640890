import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats'

/** A setting of a stream, the value it has and what it must be for the stream to be a log. */
interface Requirement {
  readonly setting: string
  readonly must: string
  readonly holds: (config: StreamConfig) => boolean
  readonly value?: (config: StreamConfig) => unknown
}

/**
 * The server has had settings since the driver was written; those are read by their names on the
 * wire.
 */
const wire = (config: StreamConfig): Readonly<Record<string, unknown>> =>
  config as unknown as Readonly<Record<string, unknown>>

const unlimited = (limit: number | undefined): boolean => (limit ?? -1) <= 0

/**
 * That nothing leaves the stream but by `trim`, nothing enters it beside `append`, and what is
 * acknowledged is on the disk.
 */
const requirementsOf = (subject: string): readonly Requirement[] => [
  {
    setting: 'subjects',
    must: `be exactly ${subject}`,
    holds: ({ subjects }) => subjects.join() === subject,
  },
  { setting: 'storage', must: 'be file', holds: ({ storage }) => storage === StorageType.File },
  {
    setting: 'retention',
    must: 'be limits',
    holds: ({ retention }) => retention === RetentionPolicy.Limits,
  },
  { setting: 'discard', must: 'be new', holds: ({ discard }) => discard === DiscardPolicy.New },
  {
    setting: 'max_age',
    must: 'be 0',
    holds: (config) => config.max_age === 0,
    value: (config) => `${config.max_age / 1_000_000_000} s`,
  },
  { setting: 'max_msgs', must: 'be -1', holds: (config) => unlimited(config.max_msgs) },
  {
    setting: 'max_msgs_per_subject',
    must: 'be -1',
    holds: (config) => unlimited(config.max_msgs_per_subject),
  },
  { setting: 'max_msg_size', must: 'be -1', holds: (config) => unlimited(config.max_msg_size) },
  { setting: 'sealed', must: 'be false', holds: ({ sealed }) => !sealed },
  { setting: 'deny_purge', must: 'be false', holds: (config) => !config.deny_purge },
  { setting: 'no_ack', must: 'be false', holds: (config) => !config.no_ack },
  { setting: 'allow_rollup_hdrs', must: 'be false', holds: (config) => !config.allow_rollup_hdrs },
  { setting: 'allow_msg_ttl', must: 'be false', holds: (config) => !wire(config).allow_msg_ttl },
  {
    setting: 'persist_mode',
    must: 'be default',
    holds: (config) => [undefined, '', 'default'].includes(wire(config).persist_mode as string),
  },
  { setting: 'mirror', must: 'not be set', holds: ({ mirror }) => !mirror },
  { setting: 'sources', must: 'not be set', holds: ({ sources }) => !sources?.length },
  {
    setting: 'subject_transform',
    must: 'not be set',
    holds: (config) => !config.subject_transform,
  },
]

/**
 * Why a stream cannot serve as a log: each setting that is wrong, its value and what it must be.
 * Undefined: it can.
 */
export function unfitness(config: StreamConfig, subject: string): string | undefined {
  const wrong = requirementsOf(subject).filter(({ holds }) => !holds(config))
  if (wrong.length === 0) return undefined
  return wrong
    .map(({ setting, must, value = (it) => wire(it)[setting] }) => {
      const found = value(config)
      const shown = typeof found === 'string' ? found : JSON.stringify(found)
      return `${setting} is ${shown}, it must ${must}`
    })
    .join('; ')
}
