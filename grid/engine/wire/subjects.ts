/**
 * Every subject and stream name in one place. Space, command and query names are checked
 * identifiers, so nothing needs escaping.
 */
export const subjects = {
  log: (space: string) => `spacegrid.${space}.log`,
  changes: (space: string) => `spacegrid.${space}.changes`,
  command: (space: string, name: string) => `spacegrid.${space}.command.${name}`,
  query: (space: string, name: string) => `spacegrid.${space}.query.${name}`,
  /** Asked to open a snapshot: any ready unit answers. */
  snapshotFromPeer: (space: string) => `spacegrid.${space}.snapshot.peer`,
  /** Asked to open a snapshot: the data reader answers. */
  snapshotFromReader: (space: string) => `spacegrid.${space}.snapshot.reader`,
  /**
   * As above, but of the store's own checkpoint, never of the warm image's later one: where a data
   * pump can always begin.
   */
  snapshotFromStore: (space: string) => `spacegrid.${space}.snapshot.store`,
  /**
   * As above, whatever is wrong with it: damaged entries are left out. For the pump, which mends
   * it, and nobody else.
   */
  snapshotForMending: (space: string) => `spacegrid.${space}.snapshot.mending`,
  /** Asked for the next chunk of one snapshot. */
  snapshotChunk: (space: string, id: string) => `spacegrid.${space}.snapshot.chunk.${id}`,
  /** Told the position of each new checkpoint. */
  persisted: (space: string) => `spacegrid.${space}.persisted`,
  /** Where every process that works for the space tells how full its memory is. */
  memory: (space: string) => `spacegrid.${space}.memory`,
  /** Asked for what one particular unit keeps: requests that others have passed on. */
  unit: (space: string, id: number) => `spacegrid.${space}.unit.${id}`,
  /** Where whoever keeps partitions of the space says that it is there, and how it is. */
  presence: (space: string) => `spacegrid.${space}.presence`,
  /** Where replicas and the data reader tell their digests, and settle who is wrong. */
  audit: (space: string) => `spacegrid.${space}.audit`,
  /** Asked to open a snapshot of one particular unit or pump. */
  snapshotForAudit: (space: string, id: number) => `spacegrid.${space}.snapshot.audit.${id}`,
  /** Asked to replace an entry: any ready unit does it. */
  correct: (space: string) => `spacegrid.${space}.admin.correct`,
  /** Asked for an entry as the store holds it. */
  archive: (space: string) => `spacegrid.${space}.archive`,
} as const

export const streams = {
  log: (space: string) => `SPACE_${space}_LOG`,
  changes: (space: string) => `SPACE_${space}_CHANGES`,
} as const
