import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { keyAt, numberAt } from '../processes/keys.ts'
import { itemsPerGroup } from './bench-space.ts'

/** One thing that is measured: called again and again, many at a time. */
export interface BenchTask {
  readonly name: string
  /** Whether it goes through the log: then it is measured on each kind of log. */
  readonly commits: boolean
  readonly run: (unit: ProcessingUnit, turn: number) => Promise<unknown>
}

export const tasksFor = (entries: number): readonly BenchTask[] => {
  const itemAt = (turn: number) => keyAt(turn, entries)
  return [
    { name: 'entry', commits: false, run: (unit, turn) => unit.entry('items', itemAt(turn)) },
    {
      name: 'query, one entry',
      commits: false,
      run: (unit, turn) => unit.query('item', { itemId: itemAt(turn) }),
    },
    {
      name: 'query, index range of 10',
      commits: false,
      run: (unit, turn) =>
        unit.query('byGroup', { group: numberAt(turn, entries / itemsPerGroup) }),
    },
    { name: 'query, projection', commits: false, run: (unit) => unit.query('total', {}) },
    {
      name: 'command, read and write',
      commits: true,
      run: (unit, turn) => unit.execute('touch', { itemId: itemAt(turn), by: 1 }),
    },
    {
      name: 'command, small entry',
      commits: true,
      run: (unit, turn) => unit.execute('touchSmall', { itemId: itemAt(turn), by: 1 }),
    },
    {
      name: 'command, operation',
      commits: true,
      run: (unit, turn) => unit.execute('bump', { itemId: itemAt(turn) }),
    },
    {
      name: 'command, one hot entry',
      commits: true,
      run: (unit) => unit.execute('touch', { itemId: 'item-0', by: 1 }),
    },
  ]
}
