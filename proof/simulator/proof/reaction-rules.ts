import type { Rule } from './rule.ts'

const folder = 'processing-units/runtime/reactions'
const keys = [`${folder}/reaction-keys.test.ts`]
const progress = [`${folder}/progress.test.ts`]
const dispatcher = [`${folder}/dispatcher.test.ts`]

/** Reactions and processes, docs/decisions/0050. */
export const reactionRules: readonly Rule[] = [
  {
    name: 'reactions: whatever is tried again is asked for under the same key',
    file: `${folder}/acting.ts`,
    find: 'actId(entry, next)}`\n',
    replace: 'actId(entry, next)}` + now\n',
  },
  {
    name: 'reactions: what a handler refuses is written down before anybody hears of it',
    file: 'processing-units/runtime/command-runner.ts',
    find: "else if (attempt.kind === 'rejection' && isReactionKey(key))",
    replace: "else if (attempt.kind === 'rejection' && isReactionKey(undefined))",
    tests: keys,
  },
  {
    name: 'reactions: and so is what an operation refuses where it is melded',
    file: 'processing-units/runtime/command-runner.ts',
    find: 'if (error instanceof Rejection && isReactionKey(execution.idempotencyKey)) {',
    replace: 'if (error instanceof Rejection && isReactionKey(undefined)) {',
    tests: keys,
  },
  {
    name: 'reactions: a refusal that is overtaken before it is written down is none',
    file: 'processing-units/runtime/command-runner.ts',
    find: '    // What it was refused for may have changed.\n    execution.refusal = undefined\n',
    replace: '',
    tests: keys,
  },
  {
    name: 'reactions: what was done is remembered for longer than an outage lasts',
    file: 'processing-units/runtime/retries.ts',
    find: 'return isReactionKey(idempotencyKey) ? reactionKeyMs : idempotencyMs',
    replace: 'return isReactionKey(undefined) ? reactionKeyMs : idempotencyMs',
    tests: keys,
  },
  {
    name: 'reactions: whoever has stood still begins nothing that is long done',
    file: `${folder}/react-request.ts`,
    find: 'if (!(unit.logNow <= notAfter))',
    replace: 'if (!(unit.logNow <= notAfter) && notAfter < 0)',
    tests: keys,
  },
  {
    name: 'reactions: of several that do the same the first one writes what has become of it',
    file: `${folder}/outbox-commands.ts`,
    find: 'if (entry?.turn !== turn) return { isDone: false }',
    replace: 'if (!entry) return { isDone: false }',
    tests: dispatcher,
  },
  {
    name: 'reactions: those with one key are done in the order of the log',
    file: `${folder}/backlog.ts`,
    find: 'while (at > 0 && isBefore(one.place, (chain[at - 1] as WaitingReaction).place)) at--',
    replace: '',
    tests: [`${folder}/backlog.test.ts`],
  },
  {
    name: 'reactions: a call that may have done something is compensated',
    file: `${folder}/progress.ts`,
    find: '{ reason, details: { fault: outcome.fault } }, true, now)',
    replace: '{ reason, details: { fault: outcome.fault } }, false, now)',
    tests: progress,
  },
  {
    name: 'reactions: the last step that is done is compensated first',
    file: `${folder}/progress.ts`,
    find: 'steps.slice(0, isOpen ? at + 1 : at).toReversed()',
    replace: 'steps.slice(0, isOpen ? at + 1 : at)',
    tests: progress,
  },
  {
    name: 'reactions: a dead letter is done under another key only if it was refused',
    file: `${folder}/progress.ts`,
    find: 'const round = refused ? { round: (entry.round ?? 0) + 1 } : {}',
    replace: 'const round = { round: (entry.round ?? 0) + 1 }',
    tests: progress,
  },
  {
    name: 'reactions: a key that is none makes a dead letter',
    file: `${folder}/order-key.ts`,
    find: "if (typeof given !== 'string')",
    replace: 'if (false)',
    tests: [`${folder}/odd-calls.test.ts`],
  },
]
