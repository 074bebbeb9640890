import type { Rule } from './rule.ts'

const asOf = ['proof/past/as-of.test.ts']
const history = ['proof/past/history.test.ts']
const divided = ['processing-units/runtime/partitions/divided-past.test.ts']
const rows = ['spacegrid/testing/paged-rows.test.ts']

/** What is asked of the past, and rows by pages: docs/decisions/0053 and 0062 to 0064. */
export const pastRules: readonly Rule[] = [
  {
    name: 'past: a state is made up to its position',
    file: 'grid/engine/past/past-states.ts',
    find: 'if (state.position < position && !isEnough()) return',
    replace: 'if (state.position + 1 < position && !isEnough()) return',
    tests: asOf,
  },
  {
    name: 'past: the log is kept behind the oldest snapshot that is needed',
    file: 'data-writer/trimmer.ts',
    find: 'Math.min(due.position, keptAt ?? due.position)',
    replace: 'due.position',
    tests: asOf,
  },
  {
    name: 'past: a token says nothing of a partition that it does not name',
    file: 'processing-units/runtime/partitions/passed-past.ts',
    find: 'const position = positions.get(partition)',
    replace: 'const position = positions.get(partition) ?? 1',
    tests: divided,
  },
  {
    name: 'history: of several partitions a page goes on behind what was told of each',
    file: 'processing-units/runtime/partitions/divided-past.ts',
    find: 'isWhole ? page.next : (own.at(-1)?.change.cursor ?? from)',
    replace: 'page.next ?? from',
    tests: divided,
  },
  {
    name: 'history: the log names the command of each transaction',
    file: 'processing-units/runtime/command-runner.ts',
    find: 'ranges, steps, events, notBefore: 0, command }',
    replace: 'ranges, steps, events, notBefore: 0 }',
    tests: history,
  },
  {
    name: 'rows: what any partition has of a group that was told has been told',
    file: 'grid/core/projection/row-queries.ts',
    find: 'const partition = parts.length - 1',
    replace: 'const partition = 0',
    tests: rows,
  },
  {
    name: 'rows: a cursor says nothing that callers may not read',
    file: 'grid/core/projection/row-queries.ts',
    find: 'return isTold(projection, list, last)\n',
    replace: 'return true\n',
    tests: rows,
  },
]
