/**
 * What can happen to a role. Programs and the simulator go by the kind, people read the message.
 */
export type RoleEventKind =
  /** Its life was over; it begins another one. */
  | 'began_again'
  /** Something keeps it from its work, or no longer does. */
  | 'readiness'
  /** A unit has an exact state; `details`: source, entries, position. */
  | 'rehydrated'
  /** A unit has left service to rehydrate; `error` says why. */
  | 'rehydrating'
  /** A source gave a unit no copy; `details`: source. */
  | 'waiting'
  /** It has taken the work over from another one, or has begun it. */
  | 'took_over'
  /** Another one does the work. */
  | 'standing_by'
  /** Clocks do not agree: the log's, this machine's, or those of others. */
  | 'clock'
  /** About records of the log that cannot be read. */
  | 'log'
  /** About what is stored in the change queue. */
  | 'queue'
  /** How it compares with the other replicas and the stored copies. */
  | 'audit'
  /** About what is in the store. */
  | 'store'
  /** About what is kept for those who ask for the past. */
  | 'past'
  /** Entries that the store refuses. */
  | 'quarantine'
  /** About the warm image. */
  | 'image'
  | 'image_rebuilding'
  | 'image_wrong'
  /** What other versions of the application have declared, or that this one cannot follow. */
  | 'definition'
  /** The application has made a mistake; `details`: where. */
  | 'application_fault'
  /** About who keeps which partition. */
  | 'placement'
  /** About how many units there are to be. */
  | 'scaling'
  /** What should not happen. */
  | 'failed'

/** Something worth a line in the log of a role's program. */
export interface RoleEvent {
  readonly kind: RoleEventKind
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** For people: the whole of it. */
  readonly message: string
  readonly error?: Error
  readonly details?: Readonly<Record<string, unknown>>
}

export type Report = (event: RoleEvent) => void
