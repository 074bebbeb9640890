import { FrameKind } from '@spacegrid/grid/core/frame'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { expect, test } from 'vitest'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

// architecture.md, invariant 8
test.each(['reader', 'store'] as const)(
  `what belongs to another log is not given away (from the %s), however long the present one is: seed ${seed}`,
  async (source) => {
    const unitOptions = [{ sources: ['reader', 'log'] as const }, { sources: [source] }]
    const scenario = new Scenario(seed, { unitOptions })
    for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
    await scenario.startReady('unit')
    await scenario.execute(0, 'fill', { prefix: 'k', count: 50 }, true)
    const { log, image } = scenario.world
    await scenario.until(() => image.reached?.entries === 50)
    const { last } = log
    scenario.crashAll()
    log.replace()
    for (let nonce = 1; nonce < last + 5; nonce++)
      log.append(encodeFrame({ kind: FrameKind.join, unit: 'another', nonce }))
    scenario.start('reader')
    scenario.start('unit', 1)
    // Who asks the reader that has just died waits for its answer in vain first.
    await scenario.advance(12_000)
    expect(scenario.trace.join()).toMatch(
      /unit-1 \w+: cannot rehydrate.*What is stored belongs to the log/,
    )
    expect(scenario.unit(1).state).toBeUndefined()
    scenario.crashAll()
  },
)
