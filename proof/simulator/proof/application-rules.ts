import type { Rule } from './rule.ts'

/** What an application does wrong must not reach the replicas. docs/decisions/0021. */
export const applicationRules: readonly Rule[] = [
  {
    name: 'application: what cannot be evaluated is refused',
    file: 'grid/core/evaluation.ts',
    find: 'if (!isSound(view.layout, transaction)) return unsound',
    replace: '',
    tests: ['grid/core/sound.test.ts', 'processing-units/runtime/poisoned-log.test.ts'],
  },
  {
    name: 'application: what evaluation throws at is refused',
    file: 'grid/core/evaluation.ts',
    find: '    return unsound\n  }\n}',
    replace: "    throw new Error('it cannot be evaluated')\n  }\n}",
    tests: ['grid/core/sound.test.ts', 'processing-units/runtime/poisoned-log.test.ts'],
  },
  {
    name: 'application: a full cache refuses the whole transaction',
    file: 'grid/core/meld.ts',
    find: 'for (const { write, before } of written.reverse()) this.#restore(write, before)',
    replace: '',
    tests: ['grid/core/cache-full.test.ts'],
  },
  {
    name: 'application: only what comes back as it was is taken',
    file: 'grid/core/data.ts',
    find: 'if (data - data === 0) return data + 0',
    replace: 'return data',
    tests: ['grid/core/data.test.ts'],
  },
  {
    name: 'application: what is taken is nested within what every hop can take',
    file: 'grid/core/data.ts',
    find: "if (depth <= 1 && typeof data === 'object' && data !== null)",
    replace: 'if (false)',
    tests: ['grid/core/data.test.ts'],
  },
  {
    name: 'application: what is kept is a copy of what a handler put',
    file: 'grid/core/validation.ts',
    find: '    return takeData(value, charactersMax)\n',
    replace: '    takeData(value, charactersMax)\n    return value\n',
    tests: ['grid/core/recorder-input.test.ts'],
  },
  {
    name: 'application: what was read from the log cannot be changed in place',
    file: 'grid/engine/wire/value-shapes.ts',
    find: "typeof field === 'string' ? knownString(field) : freezeDeeply(field)",
    replace: "typeof field === 'string' ? knownString(field) : field",
    tests: ['processing-units/runtime'],
  },
  {
    name: 'application: what an operation leaves cannot be changed in place',
    file: 'grid/core/evaluation.ts',
    find: 'value: Object.freeze({ ...base, [step.field]: result.field }),',
    replace: 'value: { ...base, [step.field]: result.field },',
    tests: ['processing-units/runtime'],
  },
  {
    name: 'application: a query cannot change a projection',
    file: 'grid/core/projection/projection-rows.ts',
    find: 'this.#write(key, Object.freeze(row), position, changes)',
    replace: 'this.#write(key, row, position, changes)',
    tests: ['grid/core/projection'],
  },
]
