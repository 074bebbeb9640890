import type { Rule } from './rule.ts'

const across = ['grid/core/across.test.ts']
const dying = ['processing-units/runtime/across/dying-coordinators.test.ts']
const runtime = ['processing-units/runtime/across/across-partitions.test.ts']
const contended = ['processing-units/runtime/across/across-contended.test.ts']
const turns = ['processing-units/runtime/across/turns.test.ts']
const histories = ['grid/core/across-histories.test.ts']

/**
 * Commands across partitions, docs/decisions/0033: the words before the colon are the rules of the
 * model there.
 */
export const acrossRules: readonly Rule[] = [
  {
    name: 'across: shared-hold: what a part has read is not written before it is finished',
    file: 'grid/core/holds.ts',
    find: '?? this.#shared.get(cache)?.get(key)?.[0]',
    replace: '',
    tests: [...across, ...histories],
  },
  {
    name: 'across: exclusive-hold: what a part will write is in nobody else’s hands',
    file: 'grid/core/holds.ts',
    find: '      add(this.#exclusive, cache, key, { hold, value })\n',
    replace: '      void value\n',
    tests: [...across, ...histories],
  },
  {
    name: 'across: read-held: nobody reads around a hold',
    file: 'grid/core/holds.ts',
    find: 'for (const { cache, key } of touched.reads) {',
    replace: "for (const { cache, key } of [] as Touched['reads']) {",
    tests: [...across, ...histories],
  },
  {
    name: 'across: read-held: nor a range that may change when something held is written',
    file: 'grid/core/holds.ts',
    find: 'for (const range of touched.ranges) {',
    replace: "for (const range of [] as Touched['ranges']) {",
    tests: [...across, ...histories],
  },
  {
    name: 'across: read-held: what only reads is confirmed where nothing of it is held',
    file: 'grid/core/across.ts',
    find: 'if (state.holds.size === 0) return true',
    replace: 'return true',
    tests: [...across, ...histories],
  },
  {
    name: 'across: shared-hold: nothing comes into a range that a part has read, or leaves it',
    file: 'grid/core/holds.ts',
    find: 'const ranges = this.#ranges.get(cache)',
    replace: 'const ranges = [] as SharedRange[]',
    tests: [...across, ...histories],
  },
  {
    name: 'across: shared-hold: what a part has claimed the first of gets no others before them',
    file: 'grid/core/across.ts',
    find: '...takenRanges(steps)]',
    replace: ']',
    tests: across,
  },
  {
    name: 'across: first-verdict: the first one counts',
    file: 'grid/core/across.ts',
    find: "  if (view.find(layout.commits, attempt)) return told('commit', none)\n",
    replace: '',
    tests: [...across, ...histories],
  },
  {
    name: 'across: not-after: a prepare that lands late is refused, by the time of the log',
    file: 'grid/core/across.ts',
    find: '  if (time > notAfter && time !== wheneverItLands) return collided\n',
    replace: '',
    tests: [...across, ...histories],
  },
  {
    name: 'across: asked-late: others may ask for a verdict only when a prepare can no longer land',
    file: 'grid/core/across.ts',
    find: "  if (asked && time <= notAfter) return told('too early', none)\n",
    replace: '  void [asked, time, notAfter]\n',
    tests: [...across, ...histories],
  },
  {
    name: 'across: remember-commit: a commit is remembered until all have finished',
    file: 'grid/core/across.ts',
    find: '    { cache: layout.commits, key: attempt, value: freezeDeeply(commit), version: id },\n',
    replace: '',
    tests: [...across, ...histories],
  },
  {
    name: 'across: snapshot: what is held is held in a copy too',
    file: 'grid/core/space-state.ts',
    find: 'if (cache === this.#holdsCache) this.holds.set(key, this.find(cache, key)?.value)',
    replace: '',
    tests: [...across, ...histories],
  },
  {
    name: 'across: key: the idempotency key is held until the answer stands under it',
    file: 'grid/core/holds.ts',
    find: 'key === undefined ? writes : [...writes, { cache: idempotencyCacheNumber, key, value: undefined }]',
    replace: 'key === undefined || writes ? writes : writes',
    tests: across,
  },
  {
    name: 'across: only the coordinator’s log decides on what is held there',
    file: 'grid/core/across.ts',
    find: 'return hold && (hold.partition === hold.coordinator) === isCoordinator ? hold : undefined',
    replace: 'return isCoordinator || hold ? hold : undefined',
    tests: across,
  },
  {
    name: 'across: nothing has happened of what is only held: its events come with the commit',
    file: 'grid/core/meld.ts',
    find: 'if (hold === undefined) for (const event of events)',
    replace: 'for (const event of events)',
    tests: across,
  },
  {
    name: 'across: frames with something of commands across partitions have a format of their own',
    file: 'grid/engine/wire/frame-codec.ts',
    find: '(frame.across === true || frame.transactions.some(isAcross))',
    replace: 'frame.across === true',
    tests: ['grid/engine/wire/across-codec.test.ts'],
  },
  {
    name: 'across: answer-early: what is not held is not committed, whoever decides it',
    file: 'grid/core/across.ts',
    find: "if (!hold) return told('abort', none)",
    replace: 'if (!hold) return told(verdict, none)',
    tests: across,
  },
  {
    name: 'across: a commit needs the vote of every part',
    file: 'processing-units/runtime/across/across-partitions.ts',
    find: 'if (yes.length === divided.groups.length)',
    replace: 'if (yes.length > 0)',
    tests: runtime,
  },
  {
    name: 'across: finish-unasked: what is left behind is finished as the coordinator’s log says',
    file: 'processing-units/runtime/across/hold-care.ts',
    find: 'if (partition !== coordinator) await this.#finishAt(partition, attempt, fate)',
    replace: "if (partition !== coordinator) await this.#finishAt(partition, attempt, 'abort')",
    tests: dying,
  },
  {
    name: 'across: nothing is held for ever: holds that have outlived their time are looked after',
    file: 'processing-units/runtime/across/hold-care.ts',
    find: 'if (now > hold.notAfter)',
    replace: 'if (false as boolean)',
    tests: dying,
  },
  {
    name: 'across: nothing is remembered for ever: commits that nobody has forgotten are looked after',
    file: 'processing-units/runtime/across/hold-care.ts',
    find: 'if (now < Number(value.decidedAt) + forgottenMs) continue',
    replace: 'continue',
    tests: dying,
  },
  {
    name: 'across: whoever is answered reads what was done, where it is still held',
    file: 'processing-units/runtime/read-wait.ts',
    find: '    await this.#settled(incarnation, position)\n',
    replace: '',
    tests: dying,
  },
  {
    name: 'across: who waits for a hold is woken when it is let go, and does not spin',
    file: 'processing-units/runtime/command-runner.ts',
    find: 'if (hold === undefined) {',
    replace: 'if (hold !== null) {',
    tests: dying,
  },
  {
    name: 'across: what comes behind the end of a hold does not wait for it, nor begin again',
    file: 'processing-units/runtime/across/hold-waiters.ts',
    find: ' || this.#ending.has(attempt)',
    replace: '',
    tests: runtime,
  },
  {
    name: 'across: turns: one at a time for each key',
    file: 'processing-units/runtime/across/turns.ts',
    find: 'if (queue.size > 0) ticket.behind++',
    replace: 'void ticket',
    tests: turns,
  },
  {
    name: 'across: turns: whoever has met others waits for its turn, and is not passed by',
    file: 'processing-units/runtime/across/turn-taking.ts',
    find: 'if (clock.monotonic() < this.#silentUntil) return undefined',
    replace: 'if (clock.monotonic() >= 0) return undefined',
    tests: [...contended, ...runtime],
  },
  {
    name: 'across: turns: one that nobody ends is over after a while',
    file: 'processing-units/runtime/across/turns.ts',
    find: 'ticket.timer = this.#clock.after(keptMs, () => this.end(id))',
    replace: 'void id',
    tests: turns,
  },
]
