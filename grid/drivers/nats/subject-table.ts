import type { LogName } from '../../core/log-name.ts'
import { roomSpaceName } from '../../core/waiting-room.ts'
import { subjects } from '../../engine/wire/subjects.ts'

/** Who has a NATS user of a closed grid, as its keys and `docs/security.md` call it. */
export const gridUsers = [
  'unit',
  'query-unit',
  'data-pump',
  'data-writer',
  'data-reader',
  'waiting-room',
  'deployment-manager',
  'console',
  'operator',
  'client',
  'subscriber',
] as const
export type GridUser = (typeof gridUsers)[number]

/** A space as `SPACES` has it. */
export interface SpaceNamed {
  readonly name: string
  readonly partitions: number
}

/** One kind of subject, and who has to do with it. */
export interface SubjectUse {
  readonly kind: string
  /** With `*` for what differs from message to message. */
  subjectsOf(space: SpaceNamed): readonly string[]
  readonly says: readonly GridUser[]
  /** None: a stream stores it. */
  readonly hears: readonly GridUser[]
  /** Whoever hears it answers whoever has said it. */
  readonly isAsked?: boolean
}

const units = ['unit', 'query-unit'] as const
const components = ['data-pump', 'data-writer', 'data-reader'] as const
const workers = [...units, ...components] as const

/** By the space's name. */
const ofSpace = (subject: (name: string) => string) => (space: SpaceNamed) => [subject(space.name)]

/** Of the space, or of each of its partitions: one word more. */
const ofLogs = (subject: (logName: LogName) => string) => (space: SpaceNamed) => [
  subject(space.partitions === 1 ? space.name : anyPartitionOf(space.name)),
]

/** What callers ask of a space as a whole, and of one of its partitions. */
const ofBoth = (subject: (logName: LogName) => string) => (space: SpaceNamed) => [
  subject(space.name),
  ...(space.partitions === 1 ? [] : [subject(anyPartitionOf(space.name))]),
]

const ofRoom = (subject: string) => (space: SpaceNamed) =>
  space.name === roomSpaceName ? [subject] : []

const anyPartitionOf = (name: string): LogName => `${name}.*`

/**
 * Every subject of a grid: the one place that says who may publish and who may listen. Whoever is
 * not named is refused by NATS. The waiting room is the unit of the space of its own.
 */
export const subjectTable: readonly SubjectUse[] = [
  { kind: 'log', subjectsOf: ofLogs(subjects.log), says: ['unit', 'operator'], hears: [] },
  {
    kind: 'changes',
    subjectsOf: ofLogs(subjects.changes),
    says: ['data-pump', 'operator'],
    hears: [],
  },
  { kind: 'past', subjectsOf: ofLogs(subjects.past), says: ['data-pump', 'operator'], hears: [] },
  {
    kind: 'events',
    subjectsOf: ofLogs((logName) => subjects.event(logName, '*')),
    says: ['data-pump'],
    hears: ['subscriber', 'operator'],
  },
  {
    kind: 'readable',
    subjectsOf: ofLogs(subjects.readable),
    says: ['unit'],
    hears: ['data-pump'],
    isAsked: true,
  },
  {
    kind: 'command',
    subjectsOf: ofBoth((logName) => subjects.command(logName, '*')),
    says: ['client', 'query-unit', 'operator'],
    hears: ['unit'],
    isAsked: true,
  },
  {
    kind: 'query',
    subjectsOf: ofBoth((logName) => subjects.query(logName, '>')),
    says: ['client', 'operator'],
    hears: units,
    isAsked: true,
  },
  {
    kind: 'queries',
    subjectsOf: ofBoth(subjects.queries),
    says: ['client', 'operator'],
    hears: units,
    isAsked: true,
  },
  {
    kind: 'history',
    subjectsOf: ofBoth((logName) => subjects.history(logName, '*')),
    says: ['client', 'operator'],
    hears: units,
    isAsked: true,
  },
  {
    kind: 'newest',
    subjectsOf: ofLogs(subjects.newest),
    says: ['query-unit'],
    hears: ['unit'],
    isAsked: true,
  },
  {
    kind: 'snapshot of a unit',
    subjectsOf: ofLogs(subjects.snapshotFromPeer),
    says: [...units, 'data-pump', 'operator'],
    hears: units,
    isAsked: true,
  },
  {
    kind: 'snapshot of the reader',
    subjectsOf: ofLogs(subjects.snapshotFromReader),
    says: [...units, 'data-pump', 'operator'],
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'snapshot of the store',
    subjectsOf: ofLogs(subjects.snapshotFromStore),
    says: [...units, 'data-pump', 'operator'],
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'snapshot for mending',
    subjectsOf: ofLogs(subjects.snapshotForMending),
    says: ['data-pump', 'operator'],
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'snapshot for an audit',
    subjectsOf: ofLogs((logName) => subjects.snapshotForAudit(logName, '*')),
    says: [...units, 'data-pump', 'data-reader', 'operator'],
    hears: [...units, 'data-pump'],
    isAsked: true,
  },
  {
    kind: 'piece of a snapshot',
    subjectsOf: ofLogs((logName) => subjects.snapshotChunk(logName, '*')),
    says: [...units, 'data-pump', 'data-reader', 'operator'],
    hears: [...units, 'data-pump', 'data-reader'],
    isAsked: true,
  },
  {
    kind: 'persisted',
    subjectsOf: ofLogs(subjects.persisted),
    says: ['data-writer'],
    hears: [...units, 'data-pump', 'data-reader', 'operator'],
  },
  {
    kind: 'memory',
    subjectsOf: ofSpace(subjects.memory),
    says: workers,
    hears: [...workers, 'operator'],
  },
  {
    kind: 'load asked',
    subjectsOf: ofSpace(subjects.loadAsked),
    says: ['deployment-manager', 'operator'],
    hears: [...units, 'deployment-manager'],
  },
  {
    kind: 'load',
    subjectsOf: ofSpace(subjects.load),
    says: units,
    hears: ['deployment-manager', 'operator'],
  },
  {
    kind: 'request passed on',
    subjectsOf: ofSpace((name) => subjects.unit(name, '*')),
    says: units,
    hears: units,
    isAsked: true,
  },
  {
    kind: 'presence',
    subjectsOf: ofBoth(subjects.presence),
    says: workers,
    hears: [...workers, 'operator'],
  },
  { kind: 'live', subjectsOf: ofLogs(subjects.live), says: units, hears: units },
  {
    kind: 'audit',
    subjectsOf: ofLogs(subjects.audit),
    says: [...units, 'data-pump', 'data-reader', 'operator'],
    hears: [...units, 'data-pump', 'data-reader', 'operator'],
  },
  {
    kind: 'admin: correct',
    subjectsOf: ofBoth(subjects.correct),
    says: ['operator'],
    hears: ['unit'],
    isAsked: true,
  },
  {
    kind: 'admin: reactions',
    subjectsOf: ofSpace(subjects.reactions),
    says: ['operator'],
    hears: ['unit'],
    isAsked: true,
  },
  {
    // It changes nothing: what the console shows of the data is what its operators look at.
    kind: 'admin: look',
    subjectsOf: ofSpace(subjects.look),
    says: ['operator', 'console'],
    hears: units,
    isAsked: true,
  },
  {
    kind: 'reaction',
    subjectsOf: ofSpace(subjects.react),
    says: ['unit', 'operator'],
    hears: ['unit'],
    isAsked: true,
  },
  {
    kind: 'archive',
    subjectsOf: ofLogs(subjects.archive),
    says: ['operator'],
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'archived entry',
    subjectsOf: ofLogs(subjects.archivedEntry),
    says: units,
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'archived range',
    subjectsOf: ofLogs(subjects.archivedRange),
    says: units,
    hears: ['data-reader'],
    isAsked: true,
  },
  {
    kind: 'admissions',
    subjectsOf: ofRoom(subjects.admissions),
    says: units,
    hears: ['waiting-room'],
    isAsked: true,
  },
  {
    kind: 'status asked',
    subjectsOf: () => [subjects.askStatus],
    says: ['console', 'operator'],
    hears: [...workers, 'waiting-room', 'deployment-manager'],
  },
  {
    kind: 'status told',
    subjectsOf: () => [subjects.toldStatus('*')],
    says: [...workers, 'waiting-room', 'deployment-manager'],
    hears: ['console', 'operator'],
  },
  ...(['join', 'look', 'leave'] as const).map(
    (what): SubjectUse => ({
      kind: `line: ${what}`,
      subjectsOf: ofRoom(subjects.line(what)),
      says: ['client', 'operator'],
      hears: ['waiting-room'],
      isAsked: true,
    }),
  ),
]
