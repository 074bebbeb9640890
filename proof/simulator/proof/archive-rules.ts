import type { Rule } from './rule.ts'

/** What has left memory is neither lost nor seen as it was. docs/decisions/0052. */
export const archiveRules: readonly Rule[] = [
  {
    name: 'archive: what the store has said is validated',
    file: 'grid/core/archive-reads.ts',
    find: 'this.#transaction.read(archived, bucket, version)',
    replace: '',
    tests: ['grid/core/archive.test.ts'],
  },
  {
    name: 'archive: an operation on what is in memory depends on that it stays there',
    file: 'grid/core/archive-reads.ts',
    find: '    this.readBucket(layout, key)\n    if (!this.#known',
    replace: '    if (!this.#known',
    tests: ['grid/core/archive.test.ts'],
  },
  {
    name: 'archive: nor on what is only pending, if that does not come',
    file: 'grid/core/archive-reads.ts',
    find: 'if (!this.#known.isInMemory(cache, key)) this.#transaction.read(cache, key, version)',
    replace: '',
    tests: ['grid/core/archive.test.ts'],
  },
  {
    name: 'archive: whoever has asked the store hears of a deletion',
    file: 'grid/core/recorder.ts',
    find: '    this.#push(stirBucket(this.#view.layout, layout, key))\n',
    replace: '',
    tests: ['grid/core/archive.test.ts'],
  },
  {
    name: 'archive: a deletion of what is not in memory reaches the store',
    file: 'grid/core/meld.ts',
    find: 'return this.state.layout.cache(cache).archiveIndex !== undefined',
    replace: 'return false',
    tests: ['grid/core/archive.test.ts'],
  },
  {
    name: 'archive: a store that is behind the replica is not believed',
    file: 'processing-units/runtime/archive/archive-desk.ts',
    find: 'const isBehind = found.from < (stirred?.position ?? 0)',
    replace: 'const isBehind = false',
    tests: ['processing-units/runtime/archive/archive-desk.test.ts'],
  },
  {
    name: 'archive: nor one that is ahead of it, by a query',
    file: 'processing-units/runtime/archive/archive-desk.ts',
    find: 'const isAhead = found.to > this.#state.position',
    replace: 'const isAhead = false',
    tests: ['processing-units/runtime/archive/archive-desk.test.ts'],
  },
  {
    name: 'archive: what leaves memory reaches the store with its value',
    file: 'data-pump/next-window.ts',
    find: 'this.#collector.add(archived ? { ...change, value: before, archived } : change)',
    replace: 'this.#collector.add(change)',
  },
  {
    name: 'archive: a handler that took what has left for missing runs again',
    file: 'processing-units/runtime/handler-runs.ts',
    find: "      if (recorder.unknown.length > 0) return { kind: 'unknown' }\n      return recorder.writes",
    replace: '      return recorder.writes',
  },
]
