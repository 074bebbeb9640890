import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { expect, test } from 'vitest'
import { ProcessingUnit } from './processing-unit.ts'

/** Its monotonic time goes on by what a test says that something took. */
class WorkClock extends SystemClock implements Clock {
  workedMs = 0

  override monotonic(): number {
    return super.monotonic() + this.workedMs
  }
}

test('of large commands that come at once each has a turn of its own, in their order', async () => {
  const clock = new WorkClock()
  const turns: [id: string, turn: number][] = []
  let turn = 0
  const notes = defineCache('notes', { schema: Type.Object({ id: Type.String() }), key: 'id' })
  const write = defineCommand('write', {
    input: Type.Object({ id: Type.String(), tookMs: Type.Integer() }),
    handler: (tx, { id, tookMs }) => {
      clock.workedMs += tookMs
      turns.push([id, turn])
      tx.put(notes, { id })
    },
  })
  const space = defineSpace('notes', { caches: [notes], commands: [write], queries: [] })
  const messaging = new InProcessMessaging(clock)
  const ports = { log: new SimulatedLog(clock), messaging, clock, random: new SystemRandom() }
  const unit = new ProcessingUnit('unit', space, ports, { sources: ['log'] })
  unit.start()
  await expect.poll(() => unit.readiness().ready, { timeout: 5000 }).toBe(true)

  let counting = true
  const count = () => {
    turn++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const ids = ['small 1', 'small 2', 'large 1', 'small 3', 'large 2', 'large 3', 'small 4']
  await Promise.all(
    ids.map((id) => unit.execute('write', { id, tookMs: id.startsWith('large') ? 100 : 0 })),
  )
  counting = false
  await unit.stop()
  expect(turns.map(([id]) => id)).toEqual(ids)
  const turnOf = (id: string) => turns.find(([name]) => name === id)?.[1] ?? Number.NaN
  expect(turnOf('large 2')).toBeGreaterThan(turnOf('large 1'))
  expect(turnOf('large 3')).toBeGreaterThan(turnOf('large 2'))
  expect(turnOf('small 4')).toBeGreaterThan(turnOf('large 3'))
})
