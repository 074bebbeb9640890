import { expect, test } from 'vitest'
import { defineCache, defineCommand, Type } from './define.ts'
import type { Transaction } from './transaction.ts'

const input = Type.Object({})
const pots = defineCache('pots', {
  schema: Type.Object({ id: Type.String(), left: Type.Integer({ minimum: 0 }) }),
  key: 'id',
})

test('a command says what it may be refused for', () => {
  const command = defineCommand('draw', {
    input,
    rejections: ['empty', 'closed'],
    handler(tx) {
      if (tx.now === 0) tx.reject('closed')
      tx.increment(pots, 'a', 'left', -1, { otherwise: 'empty' })
      helper(tx)
    },
  })
  expect(command.rejections).toEqual(['empty', 'closed'])
  expect(defineCommand('silent', { input, handler: () => 1 }).rejections).toBeUndefined()
})

/** What any command may call says no reasons, or its own. */
function helper(tx: Transaction): void {
  if (tx.now === 1) tx.reject('whatever')
  own(tx)
}
function own(tx: Transaction<never, 'closed'>): void {
  if (tx.now === 2) tx.reject('closed')
}

test('the compiler refuses others', () => {
  defineCommand('draw', {
    input,
    rejections: ['empty'],
    handler(tx) {
      // @ts-expect-error: it is not declared
      if (tx.now === 0) tx.reject('closed')
      // @ts-expect-error: nor is this one
      tx.increment(pots, 'a', 'left', -1, { otherwise: 'none' })
    },
  })
})

test.each([
  ['nothing', 'must be a list of reasons'],
  [[''], 'must be a list of reasons'],
  [[1], 'must be a list of reasons'],
  [['a', 'b', 'a'], 'names a reason twice'],
])('%j is no list of reasons', (rejections, message) => {
  const declare = () =>
    defineCommand('draw', { input, rejections: rejections as [], handler: () => 1 })
  expect(declare).toThrow(message)
})
