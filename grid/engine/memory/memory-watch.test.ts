import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { SimulatedMemory } from '../../kit/simulated-memory.ts'
import { packMessage } from '../wire/sealed-message.ts'
import { subjects } from '../wire/subjects.ts'
import { decodeMemoryTold, encodeMemoryTold } from './memory-message.ts'
import { MemoryWatch } from './memory-watch.ts'

interface Process {
  readonly memory: SimulatedMemory
  readonly watch: MemoryWatch
}

async function processes(count: number) {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const all = Array.from({ length: count }, (_, at): Process => {
    const memory = new SimulatedMemory()
    const random = new SeededRandom(at + 1)
    const ports = { memory, messaging, clock, random }
    return { memory, watch: new MemoryWatch('shop', `process-${at}`, 'unit', ports) }
  })
  for (const { watch } of all) watch.start()
  onTestFinished(async () => {
    for (const { watch } of all) await watch.stop()
  })
  await clock.advance(1000)
  return { clock, messaging, all: all as [Process, ...Process[]] }
}

test('one process that is near its budget is known to all, until it has real room again', async () => {
  const { clock, all } = await processes(3)
  const fullest = () => all.map(({ watch }) => watch.fullest?.name)
  const none = [undefined, undefined, undefined]
  const everywhere = ['process-0', 'process-0', 'process-0']
  for (const [share, expected] of [
    [0.74, none],
    [0.75, everywhere],
    [0.66, everywhere],
    [0.64, none],
    [0.74, none],
    [0.95, everywhere],
  ] as const) {
    all[0].memory.share = share
    // Told at once, not with the next round.
    await clock.advance(150)
    expect(fullest(), `share ${share}`).toEqual(expected)
  }
})

test('one that decides nothing is heard to be there, and is full for itself alone', async () => {
  const { clock, messaging, all } = await processes(1)
  const told: (string | boolean)[][] = []
  messaging.subscribe(subjects.memory('shop'), ({ data }) => {
    const { name = '', full = true } = decodeMemoryTold(data) ?? {}
    if (name === 'reader') told.push([name, full])
  })
  const memory = new SimulatedMemory()
  const ports = { memory, messaging, clock, random: new SeededRandom(9) }
  const watch = new MemoryWatch('shop', 'reader', 'query-unit', ports, false)
  watch.start()
  onTestFinished(() => watch.stop())
  memory.share = 0.95
  await clock.advance(3000)
  expect(told.length).toBeGreaterThan(1)
  expect(new Set(told.map(([, full]) => full))).toEqual(new Set([false]))
  expect(all[0].watch.fullest).toBeUndefined()
  expect(watch.isCritical).toBe(true)
  expect(watch.status()?.full).toEqual(['query-unit reader'])
})

test('of several that are full the fullest is named; one that has gone is forgotten', async () => {
  const { clock, all } = await processes(3)
  const [first, second, third] = all
  first.memory.share = 0.8
  ;(second as Process).memory.share = 0.85
  await clock.advance(1200)
  expect(third?.watch.fullest).toMatchObject({ name: 'process-1', share: 0.85 })
  expect(third?.watch.status()?.full).toEqual(['unit process-0', 'unit process-1'])
  await second?.watch.stop()
  await clock.advance(9000)
  expect(third?.watch.fullest?.name).toBe('process-1')
  await clock.advance(3000)
  expect(third?.watch.fullest?.name).toBe('process-0')
})

test('a process whose memory is not measured hears the others, and tells nothing', async () => {
  const { clock, messaging, all } = await processes(1)
  const watch = new MemoryWatch('shop', 'other', 'unit', {
    messaging,
    clock,
    random: new SeededRandom(9),
  })
  watch.start()
  all[0].memory.share = 0.9
  await clock.advance(2000)
  expect(watch.fullest?.name).toBe('process-0')
  expect(watch.status()).toBeUndefined()
  expect(all[0].watch.fullest?.name).toBe('process-0')
  await watch.stop()
})

test('whatever is published there, a watch hears what is meant for it and nothing else', async () => {
  const { clock, messaging, all } = await processes(1)
  const told = { id: 7, name: 'unit', role: 'unit', share: 0.5, full: false }
  expect(decodeMemoryTold(encodeMemoryTold(told))).toEqual(told)
  // Bytes that could exhaust whoever unpacks them are not unpacked, whatever else they say.
  const deep = Array.from({ length: 600 }).reduce((inner) => [inner], 0)
  const fields = [7, 'unit', 'unit', 0.5, false]
  expect(decodeMemoryTold(packMessage(1, fields))).toEqual(told)
  expect(decodeMemoryTold(packMessage(1, [...fields, deep]))).toBeUndefined()
  const whole = encodeMemoryTold({ ...told, full: true })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
        fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
          const damaged = Uint8Array.from(whole)
          damaged[at] = (damaged[at] as number) ^ by
          return damaged
        }),
        fc.anything().map((value) => encodeMemoryTold((value as never) ?? {})),
      ),
      (data) => messaging.publish(subjects.memory('shop'), data),
    ),
    { numRuns: 300 },
  )
  await clock.advance(10)
  expect(all[0].watch.fullest).toBeUndefined()
})
