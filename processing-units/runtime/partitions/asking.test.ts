import { GridError } from '@spacegrid/grid/core/errors'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import type { AskedUnit } from './asked-unit.ts'
import { Asking } from './asking.ts'
import { PassedRequests } from './passed-requests.ts'
import { Passing } from './passing.ts'

/** Every request arrives once more, later: whoever asked has its answer by then. */
class DoublingMessaging extends InProcessMessaging {
  override request(...asked: Parameters<InProcessMessaging['request']>) {
    const answer = super.request(...asked)
    void answer.finally(() => super.request(...asked)).catch(() => undefined)
    return answer
  }
}

const refused = new GridError('log_unavailable', 'The log cannot be reached')

test.each(['with an idempotency key', undefined])(
  'a command that was refused is not done by a second copy of its message (key: %s)',
  async (idempotencyKey) => {
    const clock = new SimulatedClock()
    const messaging = new DoublingMessaging(clock)
    let asked = 0
    const home = {
      // Meanwhile the log has come back.
      executeHere: async () => {
        if (++asked === 1) throw refused
        return { result: {}, position: 1 }
      },
    } as unknown as AskedUnit
    new PassedRequests(messaging, clock, () => home).start('space', 7)
    const parts = { clock, random: new SeededRandom(1) }
    const asking = new Asking(1, new Passing('space', messaging, clock), parts)
    const request = {
      kind: 'command',
      partition: 0,
      name: 'put',
      input: {},
      idempotencyKey,
    } as const
    const isOnce = idempotencyKey === undefined
    const ask = { request, withinMs: 1000, isOnce, here: () => undefined }
    let failure: GridError | undefined
    asking
      .inOrder([{ id: 7, name: 'home' } as Member], ask, () => refused)
      .catch((error) => {
        failure = error
      })
    await clock.advance(2000)
    expect(failure?.code).toBe('log_unavailable')
    expect(asked).toBe(1)
  },
)
