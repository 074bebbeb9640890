import type { ServerName } from '../servers/server-name.ts'
import type { ServerPorts } from '../servers/start-servers.ts'

/** What the units of a cluster serve. */
export interface ClusterApplication {
  /** Absolute, each a module that exports spaces. */
  readonly files: readonly string[]
  /** Names of all spaces that the files hold. */
  readonly spaces: readonly string[]
  /** Of those that have several, by their names. */
  readonly partitions?: Readonly<Record<string, number>>
}

export interface ProcessClusterOptions {
  /** Units that take commands. */
  readonly units: number
  /** Units that only answer queries, on a port of their own. Default 0. */
  readonly queryUnits?: number
  /** Waiting rooms for the lines that `WAITING_ROOM` names, on a port of their own. Default 0. */
  readonly waitingRooms?: number
  readonly application: ClusterApplication
  readonly dataDirectory: string
  /** Public port, shared by all units that take commands. */
  readonly port: number
  /** Servers that run elsewhere; the others are started here. */
  readonly urls?: Partial<Record<ServerName, string>>
  /** Of servers that are started here for the first time. Default `customary`. */
  readonly serverPorts?: ServerPorts
  /**
   * The servers that are started here are closed, and every component has its own key. They are
   * made under `DATA_DIR/keys` where they are missing. Default false.
   */
  readonly secure?: boolean
  readonly say?: (line: string) => void
  /**
   * Gives up the start: what has been started by then is stopped, and the start fails with the
   * signal's reason.
   */
  readonly signal?: AbortSignal
  /** Data pumps, writers and readers of each kind: one works, the others stand by. Default 1. */
  readonly copies?: number
  /**
   * A deployment manager adds and removes units: as many as `units` at the start, and at least
   * that many, unless the environment says otherwise. Default false.
   */
  readonly elastic?: boolean
  /** Deployment managers of an elastic cluster: one works. Default `copies`. */
  readonly managers?: number
  /** Units of an elastic cluster that stand by warm, beside those that serve. Default 0. */
  readonly spares?: number
  /** Passed on to every component. */
  readonly environment?: Readonly<Record<string, string>>
  /** A console beside the grid, on a port of its own. Default false. */
  readonly console?: boolean
  /** For one component only, by its name; this goes before all else. */
  readonly environmentOf?: (name: string) => Readonly<Record<string, string>>
}

/** Where a cluster is; `queries`, `waitingRoom` and `console`: where there are any. */
export type ClusterUrls = Readonly<Record<ServerName | 'http', string>> & {
  readonly queries?: string
  readonly waitingRoom?: string
  readonly console?: string
}
