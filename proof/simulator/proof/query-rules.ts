import type { Rule } from './rule.ts'

const runtime = 'processing-units/runtime'
const tests = [`${runtime}/freshness.test.ts`]

/** What queries are answered from: docs/decisions/0042. */
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
    file: `${runtime}/reads.ts`,
    find: '      if (freshness.at < since) throw tooStale(this.#ageMs(incarnation), stalenessMs)\n',
    replace: '',
    tests,
  },
]
