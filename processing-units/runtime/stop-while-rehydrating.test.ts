import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

test('a unit that is stopped at any moment of its rehydration stops', async () => {
  for (let ms = 0; ms < 40; ms++) {
    const world = new UnitWorld(counting)
    const peer = await world.startReady({ sources: ['log'] })
    await world.settled(peer.unit.execute('add', { id: 'x' }))
    const { unit } = world.start({}, { latencyMs: () => 10 })
    await world.clock.advance(ms)
    const stopped = fateOf(unit.stop().then(() => true))
    await world.until(() => stopped.value !== undefined, 6000)
    expect(unit.readiness()).toEqual({ ready: false, reason: 'stopping' })
    await world.settled(peer.unit.stop())
  }
})
