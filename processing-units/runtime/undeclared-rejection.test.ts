import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'

const input = Type.Object({})
const pots = defineCache('pots', {
  schema: Type.Object({ id: Type.String(), left: Type.Integer({ minimum: 0 }) }),
  key: 'id',
})

/** As JavaScript, to which no compiler says anything. */
const anyReason = (reason: string) => reason as 'known'
const rejections = ['known'] as const
const space = defineSpace('kitchen', {
  caches: [pots],
  commands: [
    defineCommand('declared', { input, rejections, handler: (tx): void => tx.reject('known') }),
    defineCommand('undeclared', {
      input,
      rejections,
      handler: (tx): void => tx.reject(anyReason('other')),
    }),
    defineCommand('operation', {
      input,
      rejections,
      handler: (tx) => {
        tx.increment(pots, 'a', 'left', 1, { initial: { id: 'a', left: 0 } })
      },
    }),
    defineCommand('free', { input, handler: (tx): void => tx.reject('whatever') }),
  ],
})

test.each([
  ['declared', { code: 'rejected', reason: 'known' }],
  ['free', { code: 'rejected', reason: 'whatever' }],
  ['undeclared', { code: 'application_fault', message: expect.stringContaining('"other" is not') }],
  // By the reason that an operation has when it names none.
  ['operation', { code: 'application_fault', message: expect.stringContaining('"out_of_bounds"') }],
])('%s', async (name, error) => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const fate = fateOf(unit.execute(name, {}))
  await world.until(() => 'error' in fate)
  expect(fate.error).toMatchObject(error)
  expect(unit.state?.entryCount).toBe(0)
  await world.stop()
})
