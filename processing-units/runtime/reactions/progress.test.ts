import { defineCommand, Type } from '@spacegrid/grid/core/define'
import { defineEvent } from '@spacegrid/grid/core/define-event'
import { defineProcess } from '@spacegrid/grid/core/define-process'
import { defineReaction } from '@spacegrid/grid/core/define-reaction'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import type { Process } from '@spacegrid/grid/core/process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { actId, nextAct, type Outcome, progress, revived, timeIsUpAt } from './progress.ts'

const happened = defineEvent('Happened', Type.Object({ id: Type.String() }))
const work = defineCommand('work', { input: Type.Object({}), handler: () => ({}) })
const sent = { command: work, input: () => ({}) }
const retry = { attemptsMax: 3 }

const trip = defineProcess('trip', {
  on: happened,
  retry,
  undo: sent,
  steps: (process) =>
    process
      .command('flight', { ...sent, undo: sent })
      .call('hotel', { run: () => 1, undo: () => undefined, timeoutMs: 1000 })
      .command('mail', sent)
      .call('car', { run: () => 1, undo: () => undefined }),
})

const begun = (process: Process): OutboxEntry => ({
  ...{ id: 'e', reaction: process.name, event: 'Happened', payload: { id: 'x' } },
  ...{ number: 1, nth: 1, at: 0, since: 0, turn: 0, attempts: 0 },
})

const done: Outcome = { kind: 'done', result: 1 }
const refused: Outcome = { kind: 'refused', reason: 'no', details: {} }
const failed: Outcome = { kind: 'failed', fault: 'no answer' }

/** What is done, one after the other, with these outcomes; `done` when there are no more. */
function run(process: Process, outcomes: readonly Outcome[], now = () => 0) {
  const acts: string[] = []
  let entry: OutboxEntry | undefined = begun(process)
  for (let turn = 0; entry && entry.dead === undefined; turn++) {
    if (turn > 100) throw new Error('it does not come to an end')
    const next = nextAct(process, entry)
    if (!next) throw new Error(`there is no act for ${JSON.stringify(entry)}`)
    const outcome = outcomes[turn] ?? done
    acts.push(`${next.isUndo ? 'undo ' : ''}${next.name} ${outcome.kind}`)
    const following = progress(process, entry, next, outcome, now())
    if (following) expect(following.turn).toBe(entry.turn + 1)
    entry = following
  }
  return { acts, entry }
}

describe('a process', () => {
  test('does its steps in order', () => {
    const { acts, entry } = run(trip, [])
    expect(acts).toEqual(['flight done', 'hotel done', 'mail done', 'car done'])
    expect(entry).toBeUndefined()
  })

  test('that is refused compensates what is done, the last first, and the event', () => {
    const { acts, entry } = run(trip, [done, done, refused])
    expect(acts.slice(2)).toEqual([
      'mail refused',
      'undo hotel done',
      'undo flight done',
      'undo event done',
    ])
    expect(entry).toBeUndefined()
  })

  test('compensates a call that may have done something, and not one that has refused', () => {
    const open = run(trip, [done, failed, failed, failed])
    expect(open.acts.slice(4)).toEqual(['undo hotel done', 'undo flight done', 'undo event done'])
    const certain = run(trip, [done, refused])
    expect(certain.acts.slice(2)).toEqual(['undo flight done', 'undo event done'])
  })

  test('gives up a call when the time of the step is up, however few attempts there were', () => {
    const { acts } = run(trip, [done, failed], () => 1000)
    // The step began at 1000: it has another second.
    expect(acts).toContain('hotel failed')
    const late = { ...begun(trip), step: 'hotel' }
    const next = nextAct(trip, late)!
    expect(timeIsUpAt(next, late)).toBe(1000)
    expect(progress(trip, late, next, failed, 1000)?.failure?.reason).toBe('timed_out')
    expect(progress(trip, late, next, failed, 999)?.failure).toBeUndefined()
  })

  test('is a dead letter when a command can be neither done nor refused', () => {
    const { entry } = run(trip, [failed, failed, failed])
    expect(entry).toMatchObject({ dead: 0, attempts: 3, fault: 'no answer' })
    expect(entry?.undo).toBeUndefined()
  })

  test('is a dead letter when a compensation is refused, and goes on there when it is replayed', () => {
    const { entry } = run(trip, [refused, refused])
    expect(entry).toMatchObject({ dead: 0, refused: true, undo: ['event'] })
    const again = revived(entry!, 5)
    expect(again).toMatchObject({ round: 1, attempts: 0, since: 5, failure: { step: 'flight' } })
    expect(again.dead).toBeUndefined()
    expect(actId(again, nextAct(trip, again)!)).toBe('e:event:undo:1')
  })

  test('comes to an end with any outcomes: all done, or compensated in reverse, or dead', () => {
    const outcome = fc.constantFrom<Outcome>(done, refused, failed, { kind: 'dead', fault: 'x' })
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 30 }), (outcomes) => {
        const { acts, entry } = run(trip, outcomes)
        const names = ['flight', 'hotel', 'mail', 'car']
        const forward = acts.filter((act) => /^\w+ done$/.test(act)).map((act) => act.split(' ')[0])
        expect(forward).toEqual(names.slice(0, forward.length))
        const undone = acts.flatMap((act) => /^undo (\w+) done$/.exec(act)?.[1] ?? [])
        if (entry) {
          expect(entry.dead).toBe(0)
          return
        }
        if (undone.length === 0) {
          expect(forward).toEqual(names)
          return
        }
        const undoable = forward.filter((name) => name !== 'mail').toReversed()
        const [failing] = acts.flatMap((act) => /^(\w+) (?:refused|failed)$/.exec(act)?.[1] ?? [])
        const open = undone[0] === failing && !undoable.includes(failing) ? [failing] : []
        expect(undone).toEqual([...open, ...undoable, 'event'])
      }),
    )
  })
})

describe('a reaction', () => {
  const options = { on: happened, retry, ...sent }

  test('that is refused does what it says, or is a dead letter', () => {
    const kind = run(defineReaction('kind', { ...options, onRejected: sent }), [refused])
    expect(kind.acts).toEqual(['kind refused', 'undo event done'])
    const strict = run(defineReaction('strict', options), [refused])
    expect(strict.entry).toMatchObject({ dead: 0, refused: true, fault: 'strict: no' })
  })

  test('is tried anew under another id only if it has certainly not been done', () => {
    const process = defineReaction('strict', options)
    const id = (entry: OutboxEntry) => actId(entry, nextAct(process, entry)!)
    const { entry: no } = run(process, [refused])
    expect(id(revived(no!, 1))).toBe('e:strict:1')
    const { entry: open } = run(process, [failed, failed, failed])
    expect(id(revived(open!, 1))).toBe('e:strict')
  })
})
