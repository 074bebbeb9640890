import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { messagePack } from '@spacegrid/grid/engine/wire/message-pack'
import { writeTransactions } from '@spacegrid/grid/engine/wire/transaction-codec'
import { afterEach, expect, test } from 'vitest'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let scenario: Scenario
afterEach(() => scenario.crashAll())

/** What the version before took, and let every replica meld. */
const events = [
  { name: 'none', payload: null },
  { name: 'missing', payload: undefined },
  { name: 'list', payload: [1, [2]] },
  { name: 'text', payload: 'text' },
  { name: 'time', payload: new Date(0) },
  { name: 7, payload: {} },
  { name: null, payload: 0 },
] as unknown as readonly DomainEvent[]

const transactions = [{ number: 1, reads: [], ranges: [], steps: [], events, notBefore: 0 }]
const chain = { id: 1, previous: 0, deadline: 2 ** 40 }

const sealed = (origin: number): Uint8Array =>
  encodeFrame({ kind: FrameKind.transactions, origin, ...chain, transactions, parts: 0 })

/** Without a sender's time, too. */
const unsealed = (origin: number): Uint8Array => {
  const link = [2, FrameKind.transactions, origin, chain.id, chain.previous, chain.deadline]
  return messagePack.pack(writeTransactions([...link, 0], transactions))
}

test.each([
  ['of the version before', unsealed],
  ['of this version', sealed],
])('events of any name and payload in frames %s do not stop the store', async (_, frameOf) => {
  scenario = new Scenario(seed)
  scenario.world.strangersWrite = true
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  await scenario.startReady('unit', 0)
  const { log } = scenario.world
  const join: Frame = { kind: FrameKind.join, unit: 'older', nonce: 7 }
  log.append(frameOf(log.append(encodeFrame(join))))
  await scenario.execute(0, 'put', { id: 'a', size: 1 }, true)
  await scenario.advance(1000)
  expect(scenario.unit(0).status().damagedRecords).toBe(0)
  expect(await scenario.differencesOf('store')).toEqual([])
  expect(await scenario.differencesOf('image')).toEqual([])
})
