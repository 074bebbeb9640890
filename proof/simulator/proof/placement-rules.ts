import type { Rule } from './rule.ts'

const unit = 'processing-units/runtime/partitions'

/** Who keeps what, and how requests find it: docs/decisions/0032 and 0035. */
export const placementRules: readonly Rule[] = [
  {
    name: 'routing: what is passed on and comes twice is done once',
    file: `${unit}/repeats.ts`,
    find: '    if (known) return known.answer\n',
    replace: '    void known\n',
  },
  {
    name: 'routing: what may have been done is asked again only with a key',
    file: `${unit}/asking.ts`,
    find: '        if (isOnce) throw outcomeUnknown(member, passed.error)\n',
    replace: '',
    tests: [`${unit}/partitioned-unit.test.ts`],
  },
  {
    name: 'routing: whoever has been answered reads what was done, wherever it is read',
    file: `${unit}/partitioned-unit.ts`,
    find: '  return positions.get(partition)\n',
    replace: '  return undefined\n',
    tests: [`${unit}/partitioned-unit.test.ts`],
  },
  {
    name: 'routing: who does not keep a partition says so, and another one is asked',
    file: `${unit}/passed-requests.ts`,
    find: "if (!unit) return { kind: 'elsewhere' }",
    replace:
      "if (!unit) return { kind: 'error', error: new GridError('not_found', 'not kept here') }",
    tests: [`${unit}/passed-requests.test.ts`],
  },
  {
    name: 'placement: a copy is given up only when enough others are ready',
    file: 'grid/engine/placement/plan.ts',
    find: '!isMeant(partition) && readyElsewhere(partition) >= copies',
    replace: '!isMeant(partition)',
    tests: ['grid/engine/placement/plan.test.ts'],
  },
  {
    name: 'placement: who is silent is not there',
    file: 'grid/engine/placement/presence.ts',
    find: 'if (now - at > silentMsMax) isChanged = this.#others.delete(id)',
    replace: 'void now, at',
    tests: ['grid/engine/placement/presence.test.ts'],
  },
  {
    name: 'placement: nobody is home of far more than its share',
    file: 'grid/engine/placement/keepers.ts',
    find: 'while (held.size > this.#mostOf(member) && this.#relieve(member));',
    replace: 'void member, held',
    tests: ['grid/engine/placement/keepers.test.ts'],
  },
  {
    name: 'placement: whoever sees the same chooses the same home',
    file: 'grid/engine/placement/keepers.ts',
    find: '[...members].sort((one, other) => one.id - other.id)',
    replace: 'members',
    tests: ['grid/engine/placement/keepers.test.ts'],
  },
]
