export interface Readiness {
  readonly ready: boolean
  /** Why not. */
  readonly reason?: string
}
