import { logNamesOf } from '../../core/log-name.ts'
import { roomSpaceName } from '../../core/waiting-room.ts'
import { streams } from '../../engine/wire/subjects.ts'
import { type GridUser, gridUsers, type SpaceNamed, subjectTable } from './subject-table.ts'

/** Subjects that a user may publish on, and listen to; everything else it may not. */
export interface NatsPermissions {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

export interface ClosedGrid {
  readonly spaces: readonly SpaceNamed[]
  /**
   * Units keep the streams of domain events as their spaces declare them (`EVENTS_BYTES_MAX`).
   * Whoever may change a stream can have it store any subject: it is more trust than units need
   * otherwise.
   */
  readonly events?: boolean
  /** Bucket in which deployment managers meet. */
  readonly scalingBucket: string
}

/** The public key of each user: its answers come in there, and nobody else may listen to them. */
export type InboxesOf = (user: GridUser) => readonly string[]

const api = '$JS.API'

/** What may be done with a stream beside publishing on its subjects. */
const abilities = {
  /** Records, one by one, and the state of the stream. */
  read: (stream) => [
    `${api}.STREAM.INFO.${stream}`,
    `${api}.STREAM.MSG.GET.${stream}`,
    `${api}.DIRECT.GET.${stream}`,
    `${api}.DIRECT.GET.${stream}.>`,
  ],
  /** Records as they come. */
  tail: (stream) => [
    `${api}.CONSUMER.CREATE.${stream}.*`,
    `${api}.CONSUMER.DELETE.${stream}.*`,
    `$JS.FC.${stream}.>`,
  ],
  look: (stream) => [`${api}.STREAM.INFO.${stream}`],
  /** One that is there already is not changed by it. */
  create: (stream) => [`${api}.STREAM.CREATE.${stream}`],
  change: (stream) => [`${api}.STREAM.UPDATE.${stream}`],
  trim: (stream) => [`${api}.STREAM.PURGE.${stream}`],
  /** By durable consumers that an operator has made. */
  consume: (stream) => [
    `${api}.CONSUMER.INFO.${stream}.*`,
    `${api}.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.ACK.${stream}.>`,
  ],
} as const satisfies Record<string, (stream: string) => readonly string[]>

type Ability = keyof typeof abilities
type StreamKind = keyof typeof streams

/**
 * Who does what with the streams of a space. An operator may do everything. Whoever begins a stream
 * is the data pump alone: others wait for it (`STREAMS=await`).
 */
const streamTable: Readonly<
  Partial<Record<GridUser, Partial<Record<StreamKind, readonly Ability[]>>>>
> = {
  unit: {
    log: ['read', 'tail'],
    changes: ['read', 'tail'],
    past: ['read', 'tail'],
    events: ['look'],
  },
  'query-unit': { log: ['read', 'tail'], changes: ['read', 'tail'], past: ['read', 'tail'] },
  'data-pump': {
    log: ['read', 'tail', 'create'],
    changes: ['read', 'tail', 'create'],
    past: ['read', 'tail', 'create', 'trim'],
    events: ['read'],
  },
  'data-writer': {
    log: ['read', 'tail', 'trim'],
    changes: ['read', 'tail', 'trim'],
    past: ['read', 'tail', 'trim'],
  },
  'data-reader': { log: ['read', 'tail'], changes: ['read', 'tail'] },
  subscriber: { events: ['look', 'consume'] },
}

/** What a whole space is looked at with before a stream of it is begun. */
const beforeCreating = [`${api}.STREAM.NAMES`, `${api}.STREAM.LIST`, `${api}.INFO`]

/** In the space of its own it does what units do in theirs. */
const actsAs = (user: GridUser, space: SpaceNamed): GridUser =>
  user === 'waiting-room' && space.name === roomSpaceName ? 'unit' : user

/** Those that are NATS services. */
const serving: readonly GridUser[] = [
  'unit',
  'query-unit',
  'data-pump',
  'data-reader',
  'waiting-room',
]

/**
 * Where answers to a user come in. Whoever knows the key of a user can work it out, and nobody but
 * that user may listen there.
 * @param publicKey of the user
 */
export const inboxPrefixOf = (publicKey: string): string => `_INBOX.${publicKey}`

/**
 * What a user of a closed grid may do, worked out from the tables of subjects and streams.
 * @param inboxes of a user: the public keys of those who have it
 * @param publicKey whose permissions are asked for
 */
export function permissionsOf(
  user: GridUser,
  publicKey: string,
  inboxes: InboxesOf,
  grid: ClosedGrid,
): NatsPermissions {
  const publish = new Set<string>()
  const subscribe = new Set<string>([`${inboxPrefixOf(publicKey)}.>`])
  const answered = new Set<GridUser>()
  for (const space of grid.spaces) {
    const as = actsAs(user, space)
    for (const use of subjectTable) {
      const named = use.subjectsOf(space)
      const says = use.says.includes(as) || use.says.includes(user)
      const hears = use.hears.includes(as) || use.hears.includes(user)
      if (says) for (const subject of named) publish.add(subject)
      if (hears) for (const subject of named) subscribe.add(subject)
      if (hears && use.isAsked && named.length > 0)
        for (const asker of use.says) for (const who of actors(asker, space)) answered.add(who)
    }
    for (const subject of streamSubjects(as, space, grid)) publish.add(subject)
  }
  if (user === 'data-pump') for (const subject of beforeCreating) publish.add(subject)
  if (user === 'operator')
    for (const subject of [`${api}.>`, '$JS.FC.>', '$JS.ACK.>']) publish.add(subject)
  if (user === 'operator') publish.add('$SRV.>')
  if (user === 'deployment-manager')
    for (const subject of bucketSubjects(grid.scalingBucket)) publish.add(subject)
  if (serving.includes(user)) {
    subscribe.add('$SRV.>')
    // Who asks what is served, and by whom.
    answered.add('operator')
  }
  for (const asker of answered)
    for (const key of inboxes(asker)) publish.add(`${inboxPrefixOf(key)}.>`)
  return { publish: [...publish].sort(), subscribe: [...subscribe].sort() }
}

/** Who is meant by one that says something in a space. */
const actors = (user: GridUser, space: SpaceNamed): readonly GridUser[] =>
  gridUsers.filter((one) => one === user || actsAs(one, space) === user)

function streamSubjects(
  user: GridUser,
  { name, partitions }: SpaceNamed,
  { events = false }: ClosedGrid,
): readonly string[] {
  const kinds = Object.entries(streamTable[user] ?? {}) as [StreamKind, readonly Ability[]][]
  return logNamesOf(name, partitions).flatMap((logName) =>
    kinds.flatMap(([kind, can]) => {
      const stream = streams[kind](logName)
      const declares = events && user === 'unit' && kind === 'events'
      const all: readonly Ability[] = declares ? [...can, 'create', 'change'] : can
      return all.flatMap((ability) => abilities[ability](stream))
    }),
  )
}

function bucketSubjects(bucket: string): readonly string[] {
  const stream = `KV_${bucket}`
  return [...abilities.read(stream), ...abilities.create(stream), `$KV.${bucket}.>`]
}
