import { describe, expect, test } from 'vitest'
import type { AuditRole } from './audit-message.ts'
import { judge, judgeValue, settle, type Vote } from './verdict.ts'

let id = 0
const vote = (name: string, answer: string, role: AuditRole = 'unit'): Vote => ({
  from: { id: id++, name, role },
  answer,
})

/** What each of the replicas finds, hearing all the others. */
const verdicts = (votes: readonly Vote[], find = judge) =>
  votes
    .filter(({ from }) => from.role === 'unit' || from.role === 'pump')
    .map((own) =>
      find(
        own,
        votes.filter((other) => other !== own),
      ),
    )

// docs/decisions/0009
describe('who is wrong', () => {
  test('nobody, when all say the same, whatever the store says', () => {
    expect(verdicts([vote('a', 'x'), vote('b', 'x'), vote('store', 'y', 'store')])).toEqual([
      'right',
      'right',
    ])
  })

  test('the minority of three or more; the pump is one of them', () => {
    expect(verdicts([vote('a', 'x'), vote('b', 'y'), vote('p', 'x', 'pump')])).toEqual([
      'right',
      'wrong',
      'right',
    ])
    expect(verdicts([vote('a', 'x'), vote('b', 'y'), vote('c', 'z')])).toEqual(
      Array(3).fill('undecided'),
    )
  })

  test('without a majority those whom the store contradicts, if it agrees with anybody', () => {
    const [a, b] = [vote('a', 'x'), vote('b', 'y')]
    expect(verdicts([a, b])).toEqual(['undecided', 'undecided'])
    expect(verdicts([a, b, vote('store', 'y', 'store')])).toEqual(['wrong', 'right'])
    expect(verdicts([a, b, vote('store', 'z', 'store')])).toEqual(['undecided', 'undecided'])
  })

  test('a replica that is alone stays, even when the store is different', () => {
    expect(verdicts([vote('a', 'x')])).toEqual(['right'])
    expect(verdicts([vote('a', 'x'), vote('store', 'y', 'store')], settle)).toEqual(['right'])
  })

  test('at last one side stays and the other leaves: the pump’s, or that of the first name', () => {
    const pump = vote('z', 'y', 'pump')
    expect(verdicts([vote('a', 'x'), vote('b', 'y'), pump, vote('c', 'x')], settle)).toEqual([
      'wrong',
      'right',
      'right',
      'wrong',
    ])
    expect(verdicts([vote('b', 'x'), vote('a', 'y')], settle)).toEqual(['wrong', 'right'])
    // The same name twice, by mistake.
    expect(verdicts([vote('a', 'x'), vote('a', 'y')], settle).sort()).toEqual(['right', 'wrong'])
  })

  // docs/decisions/0017
  test('about a value units have no majority: the store is right if a replica agrees, else the pump', () => {
    const [a, b, pump] = [vote('a', 'x'), vote('b', 'x'), vote('p', 'y', 'pump')]
    expect(verdicts([a, b, pump], judgeValue)).toEqual(['wrong', 'wrong', 'right'])
    const storedLikePump = vote('store', 'y', 'store')
    expect(verdicts([a, b, pump, storedLikePump], judgeValue)).toEqual(['wrong', 'wrong', 'right'])
    const storedLikeUnits = vote('store', 'x', 'store')
    expect(verdicts([a, b, pump, storedLikeUnits], judgeValue)).toEqual(['right', 'right', 'wrong'])
    const storedLikeNobody = vote('store', 'z', 'store')
    expect(verdicts([a, b, pump, storedLikeNobody], judgeValue)).toEqual([
      ...['wrong', 'wrong', 'right'],
    ])
    expect(verdicts([a, storedLikePump], judgeValue)).toEqual(['right'])
  })
})
