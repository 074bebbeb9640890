import { expect, test } from 'vitest'
import { type ErrorCode, GridError } from '../../core/errors.ts'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { fateOf } from '../../kit/unit-world.ts'
import { sleep } from '../ports/clock.ts'
import type { Message } from '../ports/messaging.ts'
import { hedgedRequest } from './hedged-request.ts'

type Instance = (clock: SimulatedClock) => Promise<Message>

const frozen: Instance = () => new Promise(() => undefined)
const answering =
  (text: string, afterMs = 0): Instance =>
  async (clock) => {
    await sleep(clock, afterMs)
    return { data: Buffer.from(text) }
  }
const refusing =
  (code: ErrorCode): Instance =>
  async () => {
    throw new GridError(code, 'no')
  }

/**
 * The answer, or the error's code, that there is after `ms` when the instances are asked in turn.
 */
async function outcomeAfter(ms: number, ...instances: Instance[]): Promise<string | undefined> {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  for (const answer of instances) {
    const respond = () => answer(clock)
    const endpoints = [{ subject: 'subject', respond }]
    await messaging.serve({ name: 'service', version: '1.0.0', endpoints })
  }
  const settings = { timeoutMs: 2000, againMs: 250 }
  const fate = fateOf(hedgedRequest(messaging, clock, 'subject', new Uint8Array(), settings))
  await clock.advance(ms)
  return fate.value ? Buffer.from(fate.value.data).toString() : (fate.error as GridError)?.code
}

// architecture.md, section 5: "a unit is slow or paused"
test('an instance that is frozen costs one interval each time it is met', async () => {
  expect(await outcomeAfter(10, answering('one'), frozen)).toBe('one')
  expect(await outcomeAfter(240, frozen, answering('other'))).toBeUndefined()
  expect(await outcomeAfter(260, frozen, answering('other'))).toBe('other')
  expect(await outcomeAfter(510, frozen, frozen, answering('third'))).toBe('third')
})

test('a slow answer to the first attempt counts, whatever the later ones are told', async () => {
  expect(await outcomeAfter(1010, answering('slow', 1000), refusing('overloaded'))).toBe('slow')
})

test('what no repetition would change counts at once, also while another one is waited for', async () => {
  expect(await outcomeAfter(260, frozen, refusing('not_found'))).toBe('not_found')
  expect(await outcomeAfter(10, refusing('overloaded'), answering('other'))).toBe('overloaded')
})

test('the only one that could answer has gone: nobody waits for it, as one does where others may', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const only = messaging.respond('subject', () => frozen(clock))
  const ask = (isOfOne: boolean) =>
    fateOf(
      hedgedRequest(messaging, clock, 'subject', new Uint8Array(), {
        ...{ timeoutMs: 2000, againMs: 250, isOfOne },
      }),
    )
  const [ofOne, ofSome] = [ask(true), ask(false)]
  await clock.advance(240)
  await only.stop()
  await clock.advance(20)
  expect(ofOne.error).toMatchObject({ code: 'no_responder' })
  expect(ofSome.error).toBeUndefined()
  await clock.advance(1800)
  expect(ofSome.error).toMatchObject({ code: 'no_responder' })
})

test('when the time is up the error is what was answered, if anything was', async () => {
  expect(await outcomeAfter(1990, frozen)).toBeUndefined()
  expect(await outcomeAfter(2010, frozen)).toBe('request_timeout')
  expect(await outcomeAfter(2010, frozen, refusing('overloaded'))).toBe('overloaded')
  expect(await outcomeAfter(10)).toBe('no_responder')
})
