/**
 * Nothing has it. To the compiler it says what has been declared: `partitioned`, `everyPartition`,
 * `partOnly`, `parts` and `part …` for each of them; `string` where that is not known.
 */
export declare const marked: unique symbol

/** What the compiler knows to have been declared of it. */
export type MarksOf<Of> = Of extends { readonly [marked]?: infer Marks }
  ? NonNullable<Marks>
  : never

/**
 * Nothing has it. To the compiler it says that whoever works with more caches may be handed to who
 * works with fewer.
 */
export declare const names: unique symbol

/** What the compiler shows for a cache that is not among those a handler says it works with. */
export type Undeclared = 'this cache is not among the `caches` that the handler declares'
