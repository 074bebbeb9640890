import type { ServerName } from './server-name.ts'

/** What sets one kind of server apart; everything else about running one is in `LocalServer`. */
export interface ServerKind {
  readonly name: ServerName
  /** The port it has by custom, used when it is free and no other is asked for. */
  readonly customaryPort: number
  /** The URL that its clients take. */
  url(port: number): string
  /** Puts what the server needs into its folder, and gives the arguments to start it with. */
  prepare(folder: string, port: number): Promise<string[]>
  /**
   * One look: resolves once the server serves its clients, throws or gives false while it does not
   * yet.
   */
  isServing(port: number): Promise<boolean>
}
