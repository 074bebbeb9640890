import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import {
  connect,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  RetentionPolicy,
  type StreamConfig,
} from 'nats'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { JetStreamLog } from './jetstream-log.ts'

const natsUrl = inject('natsUrl')
let nats: NatsConnection
let manager: JetStreamManager

beforeAll(async () => {
  nats = await connect({ servers: natsUrl })
  manager = await nats.jetstreamManager()
})

afterAll(() => nats.close())

const hourNs = 3600 * 1_000_000_000

/** Every change that the server lets an operator make to a stream that is there. */
const changes: readonly [string, Partial<StreamConfig>, string, restored?: false][] = [
  ['max_age', { max_age: hourNs, duplicate_window: 0 }, 'max_age is 3600 s, it must be 0'],
  ['max_msgs', { max_msgs: 7 }, 'max_msgs is 7, it must be -1'],
  ['max_msgs_per_subject', { max_msgs_per_subject: 7 }, 'max_msgs_per_subject is 7, it must be -1'],
  ['max_msg_size', { max_msg_size: 100 }, 'max_msg_size is 100, it must be -1'],
  ['discard', { discard: DiscardPolicy.Old }, 'discard is old, it must be new'],
  ['max_bytes', { discard: DiscardPolicy.Old, max_bytes: 1024 }, 'discard is old, it must be new'],
  ['no_ack', { no_ack: true }, 'no_ack is true, it must be false'],
  [
    'retention',
    { retention: RetentionPolicy.Interest },
    'retention is interest, it must be limits',
  ],
  ['allow_rollup_hdrs', { allow_rollup_hdrs: true }, 'allow_rollup_hdrs is true, it must be false'],
  // The server does not take these back.
  ['deny_purge', { deny_purge: true }, 'deny_purge is true, it must be false', false],
  ['sealed', { sealed: true }, 'sealed is true, it must be false', false],
]

describe('while the log is open', () => {
  test.each(changes)('%s that is changed is noticed, and so is its return', async (...change) => {
    const [, update, said, restored = true] = change
    const name = uniqueName()
    const settings = { stream: `SPACE_${name}_LOG`, subject: `spacegrid.${name}.log` }
    const told: (string | undefined)[] = []
    const fitness = (unfit: string | undefined) => told.push(unfit)
    const log = await JetStreamLog.open(natsUrl, { ...settings, watchMs: 20, fitness })
    const { config } = await manager.streams.info(settings.stream)
    await manager.streams.update(settings.stream, { ...config, ...update })
    const line = `Stream ${settings.stream} cannot serve as a log: ${said}`
    await waitFor(() => log.unfit !== undefined, { what: 'the change to be noticed' })
    // Sealing and no_ack change other settings along with them.
    expect(log.unfit).toContain(said)
    expect(log.unfit).toMatch(/^Stream \S+ cannot serve as a log: /)
    if (update.no_ack !== true && !('sealed' in update)) expect(log.unfit).toBe(line)
    await expect(JetStreamLog.open(natsUrl, settings)).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringContaining(said),
    })
    if (restored) {
      // The server leaves out what is false, and the driver would keep what it finds.
      await manager.streams.update(settings.stream, { ...config, no_ack: false })
      await waitFor(() => log.unfit === undefined, { what: 'its return to be noticed' })
      expect(told).toEqual([expect.any(String), undefined])
    }
    await log.close()
  })

  test('it says how much of its room is taken', async () => {
    const name = uniqueName()
    const settings = { stream: `SPACE_${name}_LOG`, subject: `spacegrid.${name}.log` }
    const log = await JetStreamLog.open(natsUrl, { ...settings, watchMs: 20, maxBytes: 2 ** 20 })
    expect(log.filled).toBe(0)
    await log.append(new Uint8Array(2 ** 19))
    await waitFor(() => (log.filled ?? 0) > 0.5, { what: 'what was stored to be seen' })
    await log.trim(2)
    await waitFor(() => log.filled === 0, { what: 'what was dropped to be seen' })
    await log.close()
    const limitless = await JetStreamLog.open(natsUrl, {
      stream: `SPACE_${name}2_LOG`,
      subject: `spacegrid.${name}2.log`,
    })
    expect(limitless.filled).toBeUndefined()
    await limitless.close()
  })
})
