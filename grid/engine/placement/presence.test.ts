import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { Host, HostClock } from '../../kit/host.ts'
import { Network } from '../../kit/network.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { packMessage } from '../wire/sealed-message.ts'
import { subjects } from '../wire/subjects.ts'
import type { CopyState } from './member.ts'
import { Presence } from './presence.ts'
import {
  decodePresence,
  encodePresence,
  hotKeysMax,
  type PresenceTold,
} from './presence-message.ts'

class Process {
  readonly host: Host
  readonly keeps = new Map<number, CopyState>()
  readonly presence: Presence
  full = false
  changes = 0

  constructor(name: string, clock: SimulatedClock, network: Network, seed: number, role = 'unit') {
    this.host = new Host(name, clock)
    const ports = {
      messaging: network.connect(this.host),
      clock: new HostClock(this.host, clock, { skewMs: 0, rate: 1 }),
      random: new SeededRandom(seed),
    }
    this.presence = new Presence(
      { space: 'shop', name, role, zone: undefined, weight: 100, partitions: 16, copies: 2 },
      ports,
      () => ({ full: this.full, stopping: false, keeps: this.keeps }),
      () => (this.changes += 1),
    )
    this.presence.start()
  }

  get seen(): string[] {
    return this.presence
      .members()
      .map(({ name }) => name)
      .sort()
  }
}

async function processes(count: number) {
  const clock = new SimulatedClock()
  const network = new Network(clock, new SeededRandom(5))
  const all = Array.from(
    { length: count },
    (_, at) => new Process(`p${at}`, clock, network, at + 1),
  )
  onTestFinished(async () => {
    for (const { presence } of all) await presence.stop()
  })
  await clock.advance(200)
  return { clock, network, all: all as [Process, Process, ...Process[]] }
}

const three = ['p0', 'p1', 'p2']

test('all know each other at once, and what changes at once', async () => {
  const { clock, all } = await processes(3)
  for (const { seen } of all) expect(seen).toEqual(three)
  all[0].keeps.set(7, 'joining')
  all[0].presence.tell()
  await clock.advance(50)
  const found = all[1].presence.members().find(({ name }) => name === 'p0')
  expect(found?.keeps).toEqual(new Map([[7, 'joining']]))
  expect(all[1].presence.other(all[0].presence.id)?.name).toBe('p0')
})

test('others in another role are not there', async () => {
  const { clock, network, all } = await processes(2)
  const pump = new Process('pump', clock, network, 9, 'data-pump')
  await clock.advance(1000)
  expect(all[0].seen).toEqual(['p0', 'p1'])
  expect(pump.seen).toEqual(['pump'])
  await pump.presence.stop()
})

test('who dies is gone after two seconds, who says goodbye at once', async () => {
  const { clock, all } = await processes(3)
  all[2]?.host.crash()
  await clock.advance(1400)
  expect(all[0].seen).toEqual(three)
  await clock.advance(900)
  expect(all[0].seen).toEqual(['p0', 'p1'])
  await all[1].presence.stop()
  await clock.advance(20)
  expect(all[0].seen).toEqual(['p0'])
  await clock.advance(5000)
  expect(all[0].seen).toEqual(['p0'])
})

test('who was frozen is simply back, and has forgotten nobody', async () => {
  const { clock, all } = await processes(3)
  const [frozen, other] = all
  frozen.host.pause()
  await clock.advance(10_000)
  expect(other.seen).toEqual(['p1', 'p2'])
  const { changes } = frozen
  frozen.host.resume()
  await clock.advance(1)
  expect(frozen.seen).toEqual(three)
  await clock.advance(1000)
  expect(frozen.seen).toEqual(three)
  expect(other.seen).toEqual(three)
  expect(frozen.changes).toBe(changes)
})

test('who is cut off forgets nobody, and knows that it does not hear', async () => {
  const { clock, network, all } = await processes(3)
  network.cut(all[0].host)
  await clock.advance(20_000)
  expect(all[0].seen).toEqual(three)
  expect(all[0].presence.hears).toBe(false)
  expect(all[1].seen).toEqual(['p1', 'p2'])
  network.heal(all[0].host)
  await clock.advance(1000)
  expect(all[0].presence.hears).toBe(true)
  for (const { seen } of all) expect(seen).toEqual(three)
})

test('words that come late or twice change nothing', async () => {
  const { clock, network, all } = await processes(3)
  network.faults.doubling = 0.5
  network.faults.delayMsMax = 300
  for (let at = 0; at < 40; at++) {
    all[0].keeps.set(at % 5, at % 2 === 0 ? 'ready' : 'joining')
    all[0].presence.tell()
    await clock.advance(50)
  }
  network.faults.delayMsMax = 2
  await clock.advance(1000)
  expect(all[1].presence.other(all[0].presence.id)?.keeps).toEqual(all[0].keeps)
})

test('whatever is published there, presence takes what is meant for it and nothing else', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const presence = new Presence(
    { space: 'shop', name: 'me', role: 'unit', zone: 'a', weight: 1, partitions: 16, copies: 2 },
    { messaging, clock, random: new SeededRandom(3) },
    () => ({ full: false, stopping: false, keeps: new Map() }),
  )
  presence.start()
  const told: PresenceTold = {
    ...{ id: 7, count: 1, role: 'unit', name: 'other', zone: 'b', weight: 2.5 },
    ...{ full: true, stopping: false, gone: false, partitions: 16, copies: 2 },
    keeps: new Map<number, CopyState>([
      [0, 'joining'],
      [1023, 'ready'],
      [5, 'leaving'],
    ]),
  }
  expect(decodePresence(encodePresence(told))).toEqual(told)
  expect(decodePresence(encodePresence({ ...told, zone: undefined }))?.zone).toBeUndefined()
  const wrong = [{ weight: 0 }, { weight: -1 }, { weight: Number.NaN }, { name: '' }, { id: -1 }]
  for (const part of wrong)
    expect(decodePresence(encodePresence({ ...told, ...part }))).toBeUndefined()
  const hot = new Map(Array.from({ length: 100 }, (_, hash) => [hash, 100 - hash] as const))
  const heard = decodePresence(encodePresence({ ...told, hot }))?.hot
  expect([...(heard ?? [])]).toEqual([...hot].slice(0, hotKeysMax))
  for (const [hash, perSecond] of [
    [-1, 1],
    [2 ** 32, 1],
    [1, Number.NaN],
    [1, -1],
  ] as const)
    expect(
      decodePresence(encodePresence({ ...told, hot: new Map([[hash, perSecond]]) })),
    ).toBeUndefined()
  const far = new Map<number, CopyState>([[1024, 'ready']])
  expect(decodePresence(encodePresence({ ...told, keeps: far }))).toBeUndefined()
  const whole = encodePresence(told)
  const damaged = (at: number, by: number) => {
    const bytes = Uint8Array.from(whole)
    bytes[at] = (bytes[at] as number) ^ by
    return bytes
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
        fc
          .tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
          .map(([at, by]) => damaged(at, by)),
        fc.anything().map((value) => packMessage(1, value)),
        fc.array(fc.anything(), { maxLength: 8 }).map((value) => packMessage(1, value)),
      ),
      (data) => messaging.publish(subjects.presence('shop'), data),
    ),
    { numRuns: 300 },
  )
  await clock.advance(10)
  expect(presence.members().map(({ name }) => name)).toEqual(['me'])
  await presence.stop()
})
