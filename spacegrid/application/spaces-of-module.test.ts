import { defineSpace } from '@spacegrid/grid/core/define'
import { expect, test } from 'vitest'
import { spacesOfModule } from './spaces-of-module.ts'

const one = defineSpace('one', { caches: [] })
const two = defineSpace('two', { caches: [] })

test.each([
  ['by default', { default: one }, ['one']],
  ['as a list', { default: [one, two] }, ['one', 'two']],
  ['by name', { one, two }, ['one', 'two']],
  ['by default and by name', { default: one, one, two }, ['one', 'two']],
  [
    'among other things',
    { default: 'one', makeOne: () => one, options: { name: 'x' }, two },
    ['two'],
  ],
  ['from another copy of the library', { default: { ...one } }, ['one']],
  ['not at all', { default: undefined, nothing: null, list: [1, 'two'] }, []],
])('spaces that a module exports %s', (_, exported, names) => {
  expect(spacesOfModule(exported).map(({ name }) => name)).toEqual(names)
})
