import { GridError } from '@spacegrid/grid/core/errors'
import { windowOf } from '@spacegrid/grid/engine/changes/test-support/window-author'
import type { StoreScan } from '@spacegrid/grid/engine/ports/store'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { expect, test } from 'vitest'
import type { ReaderPorts } from './reader-options.ts'
import { SnapshotChoice } from './snapshot-choice.ts'

/** Counts the scans that are open. */
class CountedStore extends SimulatedStore {
  open = 0
  scans = 0

  override async scan(space: string): Promise<StoreScan | undefined> {
    const scan = await super.scan(space)
    if (!scan) return undefined
    this.open++
    this.scans++
    const close = async () => {
      this.open--
      await scan.close()
    }
    return { start: scan.start, chunks: () => scan.chunks(), end: () => scan.end(), close }
  }
}

test('no scan stays open when the log cannot be asked whether it continues what is stored', async () => {
  const clock = new SimulatedClock()
  const log = new SimulatedLog(clock, new SimulatedStream(clock))
  log.bounds = async () => {
    throw new GridError('log_unavailable', 'NATS is not connected')
  }
  const [store, image] = [new CountedStore(), new CountedStore()]
  const { checkpoint, changes } = windowOf(0, 3)
  for (const one of [store, image]) await one.apply('test', 0, checkpoint, changes)
  const ports = { log, changes: log, store, image, clock, random: new SeededRandom(1) }
  const choice = new SnapshotChoice('test', ports as unknown as ReaderPorts, () => undefined)
  const away = { code: 'log_unavailable' }
  await expect(choice.nearest()).rejects.toMatchObject(away)
  await expect(choice.whole()).rejects.toMatchObject(away)
  expect([store.scans, image.scans]).toEqual([2, 1])
  expect([store.open, image.open]).toEqual([0, 0])
})
