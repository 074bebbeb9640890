import { dashed, type LogName } from '../../core/log-name.ts'

/** In the place of what differs from subject to subject. */
type AnyOne = '*'

/**
 * Every subject and stream name in one place. Space, command and query names are checked
 * identifiers, so nothing needs escaping; the name of a log has one dot at most, which is one token
 * more in a subject.
 */
export const subjects = {
  log: (logName: LogName) => `spacegrid.${logName}.log`,
  changes: (logName: LogName) => `spacegrid.${logName}.changes`,
  /** Of snapshots that are kept for those who ask for the past. */
  past: (logName: LogName) => `spacegrid.${logName}.past`,
  /** Where a domain event is published for other services. */
  event: (logName: LogName, token: string) => `spacegrid.${logName}.events.${token}`,
  /** Asked to look at which domain events are to be published: the active data pump does. */
  readable: (logName: LogName) => `spacegrid.${logName}.readable`,
  /** By the space's name: any unit, whichever partition it is about. */
  command: (logName: LogName, name: string) => `spacegrid.${logName}.command.${name}`,
  query: (logName: LogName, name: string) => `spacegrid.${logName}.query.${name}`,
  /** Several queries together. */
  queries: (logName: LogName) => `spacegrid.${logName}.queries`,
  /** What has become of an entry of a readable cache. */
  history: (logName: LogName, cache: string) => `spacegrid.${logName}.history.${cache}`,
  /** Asked by query units for a position with everything stored by now: who takes commands says. */
  newest: (logName: LogName) => `spacegrid.${logName}.newest`,
  /** Asked to open a snapshot: any ready unit answers. */
  snapshotFromPeer: (logName: LogName) => `spacegrid.${logName}.snapshot.peer`,
  /** Asked to open a snapshot: the data reader answers. */
  snapshotFromReader: (logName: LogName) => `spacegrid.${logName}.snapshot.reader`,
  /**
   * As above, but of the store's own checkpoint, never of the warm image's later one: where a data
   * pump can always begin.
   */
  snapshotFromStore: (logName: LogName) => `spacegrid.${logName}.snapshot.store`,
  /**
   * As above, whatever is wrong with it: damaged entries are left out. For the pump, which mends
   * it, and nobody else.
   */
  snapshotForMending: (logName: LogName) => `spacegrid.${logName}.snapshot.mending`,
  /** Asked for the next chunk of one snapshot. */
  snapshotChunk: (logName: LogName, id: string) => `spacegrid.${logName}.snapshot.chunk.${id}`,
  /** Told the position of each new checkpoint. */
  persisted: (logName: LogName) => `spacegrid.${logName}.persisted`,
  /** Where every process that works for the space tells how full its memory is. */
  memory: (space: string) => `spacegrid.${space}.memory`,
  /** Where whoever scales the grid asks its units how they fare, and where they say so. */
  loadAsked: (space: string) => `spacegrid.${space}.load.asked`,
  load: (space: string) => `spacegrid.${space}.load`,
  /** Asked for what one particular unit keeps: requests that others have passed on. */
  unit: (space: string, id: number | AnyOne) => `spacegrid.${space}.unit.${id}`,
  /** Where whoever keeps partitions of the space says that it is there, and how it is. */
  presence: (space: string) => `spacegrid.${space}.presence`,
  /** Where units tell one another that somebody follows what happens, and which caches. */
  live: (logName: LogName) => `spacegrid.${logName}.live`,
  /** Where replicas and the data reader tell their digests, and settle who is wrong. */
  audit: (logName: LogName) => `spacegrid.${logName}.audit`,
  /** Asked to open a snapshot of one particular unit or pump. */
  snapshotForAudit: (logName: LogName, id: number | AnyOne) =>
    `spacegrid.${logName}.snapshot.audit.${id}`,
  /** Asked to replace an entry: any ready unit does it. */
  correct: (logName: LogName) => `spacegrid.${logName}.admin.correct`,
  /** Asked for what a reaction of some space asks of this one: any unit does it. */
  react: (space: string) => `spacegrid.${space}.react`,
  /** Asked for what is in the outbox of a space, and to replay or drop some of it. */
  reactions: (space: string) => `spacegrid.${space}.admin.reactions`,
  /** Asked, by those who watch a grid, how every process of it is. */
  askStatus: 'spacegrid.status.ask',
  /** Where one that has asked is told. */
  toldStatus: (asker: string) => `spacegrid.status.told.${asker}`,
  /** Asked for what the caches of a space hold, a page at a time: any ready unit answers. */
  look: (space: string) => `spacegrid.${space}.admin.look`,
  /** Asked for an entry as the store holds it. */
  archive: (logName: LogName) => `spacegrid.${logName}.archive`,
  /** The same for units: exactly, and as of a position. */
  archivedEntry: (logName: LogName) => `spacegrid.${logName}.archive.entry`,
  /** Asked for a range of what has left memory. */
  archivedRange: (logName: LogName) => `spacegrid.${logName}.archive.range`,
  /** Told by units what became of what the admitted have asked: any waiting room takes it. */
  admissions: 'spacegrid.waitingRoom.admissions',
  /**
   * Asked for a place in a line, how it goes with one, and to give one up: any waiting room does.
   */
  line: (what: 'join' | 'look' | 'leave') => `spacegrid.waitingRoom.${what}`,
} as const

export const streams = {
  log: (logName: LogName) => `SPACE_${dashed(logName)}_LOG`,
  changes: (logName: LogName) => `SPACE_${dashed(logName)}_CHANGES`,
  past: (logName: LogName) => `SPACE_${dashed(logName)}_PAST`,
  events: (logName: LogName) => `SPACE_${dashed(logName)}_EVENTS`,
} as const
