import type { Rule } from './rule.ts'

/** Rows are what the entries would make them. docs/decisions/0046. */
export const projectionRules: readonly Rule[] = [
  {
    name: 'projections: rows are made behind every frame',
    file: 'processing-units/runtime/incarnation.ts',
    find: 'this.#projections?.settle(this.state.position)',
    replace: '',
  },
  {
    name: 'projections: what was is taken back',
    file: 'processing-units/runtime/projections.ts',
    find: 'before && readValue(cache, before),',
    replace: 'undefined,',
  },
  {
    name: 'projections: a row goes with the last item of its group',
    file: 'grid/core/projection/projection-rows.ts',
    find: 'if (items === 0) {',
    replace: 'if (false) {',
    tests: ['grid/core/projection'],
  },
  {
    name: 'projections: a value stays as long as any item has it',
    file: 'grid/core/projection/ranked-items.ts',
    find: 'if (found) found.count++',
    replace: 'if (found) found.count += 0',
    tests: ['grid/core/projection'],
  },
  {
    name: 'projections: a sum does not depend on the order',
    file: 'grid/core/projection/exact-sum.ts',
    find: 'this.#partials = grown(grown(this.#partials ?? [], this.#whole), number)\n    this.#whole = 0',
    replace: 'this.#whole = whole',
    tests: ['grid/core/projection'],
  },
  {
    name: 'projections: a join is kept up from its right side',
    file: 'grid/core/projection/source.ts',
    find: 'if (cache === this.#plan.right) this.#changeRight(key, before, after)',
    replace: '',
    tests: ['grid/core/projection'],
  },
]
