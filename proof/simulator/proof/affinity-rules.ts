import type { Rule } from './rule.ts'

const tests = ['processing-units/runtime/affinity/affinity.test.ts']

/** Homes of hot keys, docs/decisions/0036. */
export const affinityRules: readonly Rule[] = [
  {
    name: 'affinity: a command that was passed on is done where it comes to, whoever is the home',
    file: 'processing-units/runtime/partitions/passed-requests.ts',
    find: 'return await unit.executeHere(name, input, {',
    replace: 'return unit.execute(name, input, {',
    tests,
  },
  {
    name: 'affinity: a command without an idempotency key is done once, though its message comes twice',
    file: 'processing-units/runtime/partitions/asking.ts',
    find: 'const id = isNumbered ? this.#random.id() : undefined',
    replace: 'const id = undefined',
    tests,
  },
  {
    name: 'affinity: a command with an idempotency key that was refused is not done by a second copy of its message',
    file: 'processing-units/runtime/partitions/asking.ts',
    find: "const isNumbered = isOnce || request.kind === 'command'",
    replace: 'const isNumbered = isOnce',
    tests: ['processing-units/runtime/partitions/asking.test.ts'],
  },
  {
    name: 'affinity: what has no outcome and no idempotency key is not asked again elsewhere',
    file: 'processing-units/runtime/partitions/asking.ts',
    find: 'if (isOnce) throw outcomeUnknown(member, passed.error)',
    replace: '',
    tests,
  },
  {
    name: 'affinity: a unit shows what it has answered, though another one has done it',
    file: 'processing-units/runtime/affinity/affinity.ts',
    find: '      await this.#of.reach(answer.position)\n',
    replace: '',
    tests,
  },
  {
    name: 'affinity: a key that has a home stays hot though it collides no more',
    file: 'processing-units/runtime/affinity/hot-keys.ts',
    find: ' + (isWantedElsewhere ? commands.perSecond(now) : 0)',
    replace: ' + (isWantedElsewhere ? 0 : 0)',
    tests: ['processing-units/runtime/affinity/hot-keys.test.ts'],
  },
]
