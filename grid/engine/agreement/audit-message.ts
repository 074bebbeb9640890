/**
 * `unit` and `pump` hold replicas, and have a voice; `store` and `image` are told of by the data
 * reader.
 */
export type AuditRole = 'unit' | 'pump' | 'store' | 'image'

/** Who tells something. */
export interface Teller {
  /** Unique: names may be given twice by mistake. */
  readonly id: number
  readonly name: string
  readonly role: AuditRole
}

export const isReplica = ({ role }: Teller): boolean => role === 'unit' || role === 'pump'

/** One value of one key: the log position tells it from those before and after. */
export interface EntryName {
  readonly cache: string
  readonly key: string
  readonly position: number
}

/** An entry and its fingerprint. */
export type EntryMark = readonly [cache: string, key: string, position: number, print: number]

/** What the store has wrong: the data pump publishes it anew. */
export interface MendWish {
  readonly entries: readonly (readonly [cache: string, key: string])[]
  /** Caches of which the store has lost everything. */
  readonly caches: readonly string[]
  /** Something is wrong, and it is not known what: the pump compares all of it. */
  readonly everywhere: boolean
}

export type AuditMessage =
  /**
   * Told every second, and whenever asked. `counted`: by reading every entry, not by keeping
   * account.
   */
  | {
      readonly kind: 'digest'
      readonly from: Teller
      readonly position: number
      readonly digest: string
      readonly counted: boolean
    }
  /** Everybody tells the digest at a position; `recount`: and counts, to find out who is wrong. */
  | { readonly kind: 'ask'; readonly position: number; readonly recount: boolean }
  /** The store is being counted at this position: its digest will be needed later. */
  | { readonly kind: 'pin'; readonly position: number }
  /** Some entries, for everybody to compare with their own. */
  | { readonly kind: 'sample'; readonly from: Teller; readonly marks: readonly EntryMark[] }
  /** Two have different values where they should have the same: everybody tells theirs. */
  | { readonly kind: 'doubt'; readonly entry: EntryName }
  | {
      readonly kind: 'entry'
      readonly from: Teller
      readonly entry: EntryName
      readonly print: number
    }
  | ({ readonly kind: 'mend' } & MendWish)
