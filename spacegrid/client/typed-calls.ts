import type { CacheNameOf, CommandsOf, QueriesOf } from '@spacegrid/grid/core/call-types'
import type { Space } from '@spacegrid/grid/core/definition'

/** The one of these spaces that has this name. */
type Named<Spaces extends Space, Name> = Spaces extends { readonly name: infer Own }
  ? string extends Own
    ? Spaces
    : Own extends Name
      ? Spaces
      : never
  : never

/** The commands of one of these spaces. */
export type CommandsIn<Spaces extends Space, Name> = CommandsOf<Named<Spaces, Name>>

/** The queries of one of these spaces. */
export type QueriesIn<Spaces extends Space, Name> = QueriesOf<Named<Spaces, Name>>

/** Names of the caches of one of these spaces. */
export type CachesIn<Spaces extends Space, Name> = CacheNameOf<Named<Spaces, Name>>

/** What comes of data that has travelled as JSON: times as texts, bytes as nobody has promised. */
export type FromJson<T> = T extends Date
  ? string
  : T extends ArrayBufferView
    ? unknown
    : T extends object
      ? { readonly [Field in keyof T]: FromJson<T[Field]> }
      : T
