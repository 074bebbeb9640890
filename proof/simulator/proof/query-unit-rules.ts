import type { Rule } from './rule.ts'

const runtime = 'processing-units/runtime'
const tests = [`${runtime}/query-unit/query-unit.test.ts`]
const divided = [`${runtime}/query-unit/partitioned-query-unit.test.ts`]

/** Units that take no commands: docs/decisions/0054. */
export const queryUnitRules: readonly Rule[] = [
  {
    name: 'query units: who takes no commands joins no log, and sends nothing to it',
    file: `${runtime}/incarnation.ts`,
    find: 'if (this.#options.takesCommands) this.#chain.tick()',
    replace: 'this.#chain.tick()',
    tests,
  },
  {
    name: 'query units: the definition is written by those who take commands',
    file: `${runtime}/definition-adoption.ts`,
    find: '    if (!this.#options.takesCommands) return\n',
    replace: '',
    tests,
  },
  {
    name: 'query units: the latest state is what has passed through the log',
    file: `${runtime}/incarnation.ts`,
    find: 'return this.#newestElsewhere?.ask() ?? this.runner.barrier()',
    replace:
      'return this.#newestElsewhere ? Promise.resolve(this.#lastKnown) : this.runner.barrier()',
    tests,
  },
  {
    name: 'query units: who asks for the latest state is told of what had come by then',
    file: `${runtime}/query-unit/newest-elsewhere.ts`,
    find: '    this.#next = undefined\n    const asked',
    replace: '    const asked',
    tests: [`${runtime}/query-unit/newest-elsewhere.test.ts`],
  },
  {
    name: 'query units: a copy that takes no commands is none for those that do',
    file: `${runtime}/partitions/keeping.ts`,
    find: 'return this.presence.members().filter(({ role }) => role === this.#role)',
    replace: 'return this.presence.members()',
    tests: divided,
  },
  {
    name: 'query units: reads burden those that take commands only where no query unit serves',
    file: `${runtime}/partitions/asked-units.ts`,
    find: 'const serving = reading.length > 0 ? reading : taking.filter(serves)',
    replace: 'const serving = [...reading, ...taking.filter(serves)]',
    tests: divided,
  },
]
