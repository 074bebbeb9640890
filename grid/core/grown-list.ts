/**
 * The list with one more item. One that is empty is replaced, for others may share it; one that has
 * any was made here. So whoever adds nothing allocates nothing, and a list of one has room for one.
 */
export function withItem<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item]
  ;(list as T[]).push(item)
  return list
}
