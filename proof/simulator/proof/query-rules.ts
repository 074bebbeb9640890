import type { Rule } from './rule.ts'

const runtime = 'processing-units/runtime'
const tests = [`${runtime}/freshness.test.ts`]

const pages = ['grid/core/page.test.ts']

/** What queries are answered from, and how lists are told: docs/decisions/0042 and 0043. */
export const queryRules: readonly Rule[] = [
  {
    name: 'queries: a state is as new as the last question whose answer the replica has come up to',
    file: `${runtime}/freshness.ts`,
    find: 'if (!next || next.last > position) return',
    replace: 'if (!next) return',
    tests,
  },
  {
    name: 'queries: what the log said is as new as the question was, not as the answer',
    file: `${runtime}/incarnation.ts`,
    find: 'this.freshness.heard(askedAt, last)',
    replace: 'this.freshness.heard(this.#clock.monotonic(), last)',
    tests,
  },
  {
    name: 'queries: a staleness that was asked for holds, or is an error',
    file: `${runtime}/read-wait.ts`,
    find: '      if (freshness.at < since) throw tooStale(this.ageMs(incarnation), stalenessMs)\n',
    replace: '',
    tests,
  },
  {
    name: 'pages: what is alike in everything is told in every partition',
    file: 'grid/core/page.ts',
    find: 'isIncluded: partition > its',
    replace: 'isIncluded: false',
    tests: pages,
  },
  {
    name: 'pages: a page begins behind the last entry of the one before, among all that are equal',
    file: 'grid/core/ordered-index.ts',
    find: 'return isIncluded ? order < 0 : order <= 0',
    replace: 'return order < 0',
    tests: pages,
  },
  {
    name: 'pages: a merge tells nothing before it knows what comes first',
    file: 'grid/core/merge-pages.ts',
    find: '      if (next !== undefined) return partition\n',
    replace: '',
    tests: pages,
  },
  {
    name: 'pages: a query looks at no more entries than it may',
    file: 'grid/core/page.ts',
    find: 'if (items.length < limit) throw tooLarge(source, examined)',
    replace: '',
    tests: pages,
  },
]
