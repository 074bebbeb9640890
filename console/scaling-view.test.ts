import { expect, test } from 'vitest'
import { lineViews, scalingView } from './scaling-view.ts'
import { spacesOf } from './space-view.ts'
import { heard, told } from './test-support/told.ts'

const decision = { at: 1, by: 'm', action: 'scale_out', cause: 'busy', from: 1, to: 2, why: 'busy' }
const scaling = (active: boolean, decisions: number) => ({
  ...{ active, holder: 'm', driver: 'cluster', wanted: 2, ready: 1, starting: 1 },
  ...{
    spares: 0,
    silent: 0,
    unitsMin: 1,
    unitsMax: 4,
    unitHours: 0,
    unitHoursMax: 0,
    startMs: 1,
    counts: [],
  },
  decisions: Array.from({ length: decisions }, () => ({
    ...decision,
    action: 'scale_out' as const,
  })),
})
const manager = (name: string, active: boolean, decisions = 1) =>
  heard(told(name, 'deployment-manager', {}, { scaling: scaling(active, decisions) }))

test('the manager that works is heard, and the last of its decisions', () => {
  expect(scalingView([])).toBeNull()
  const view = scalingView([manager('stands-by', false), manager('works', true, 40)])
  expect(view).toMatchObject({ driver: 'cluster', wanted: 2, unitsMax: 4 })
  expect(view?.decisions.length).toBe(12)
})

test('a line is told once, whatever the rooms are', () => {
  const line = (waiting: number) => ({
    ...{ waiting, inside: 5, insideLimit: 10, movedPerSecond: 2, isHeld: false },
  })
  const room = (name: string, waiting: number) => {
    const counts = { lanes: [], committed: 0, shed: 0, finished: 0 }
    const lines = { concert: { ...line(waiting), ...counts } }
    const figures = { waitingRoom: { lines, joined: 0, looked: 0 } }
    return heard(told(name, 'waiting-room', { waiting: figures }))
  }
  expect(lineViews([room('a', 7), room('b', 9)])).toEqual([
    { space: 'waiting', line: 'concert', ...line(9) },
  ])
  // Their space is no application's, whoever else works for it.
  const pump = heard(told('pump', 'data-pump', { waiting: {}, shop: {} }))
  expect(spacesOf([room('a', 7), pump])).toEqual(['shop'])
})
