import { type ConsumerConfig, headers } from 'nats'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type ConsumerEnd, JetStreamConsumer, type PushedMessage } from './jetstream-consumer.ts'

/** A turn of the event loop lasts as long as a test says, not as long as a busy machine takes. */
let now = 0
beforeEach(() => {
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  return () => clock.mockRestore()
})

/**
 * A consumer without a server: what it asks for is kept, and the test pushes what a server would.
 */
class Scene {
  readonly records: [number, number, string][] = []
  readonly ends: ConsumerEnd[] = []
  readonly published: string[] = []
  readonly deleted: string[] = []
  config: Partial<ConsumerConfig> = {}
  push: (message: PushedMessage) => void = () => {}
  isSubscribed = false
  /** What whoever is told of a record does with it. */
  used: () => void = () => undefined
  readonly consumer: JetStreamConsumer

  constructor(next: number) {
    const driver = {
      subscribe: (
        _subject: string,
        { callback }: { callback(error: Error | null, message: PushedMessage): void },
      ) => {
        this.isSubscribed = true
        this.push = (message) => callback(null, message)
        return {
          unsubscribe: () => {
            this.isSubscribed = false
          },
        }
      },
      publish: (subject: string) => this.published.push(subject),
    }
    const consumers = {
      add: async (_stream: string, config: Partial<ConsumerConfig>) => {
        this.config = config
      },
      delete: async (_stream: string, name: string) => this.deleted.push(name),
    }
    const listener = {
      record: (position: number, time: number, data: Uint8Array) => {
        this.records.push([position, time, Buffer.from(data).toString()])
        this.used()
      },
      ended: (why: ConsumerEnd) => this.ends.push(why),
    }
    const options = { stream: 'S', next, heartbeatMs: 100_000 }
    this.consumer = new JetStreamConsumer(
      { connected: true, driver },
      { consumers },
      listener,
      options,
    )
  }

  static async begun(next = 1): Promise<Scene> {
    const scene = new Scene(next)
    await scene.consumer.create()
    scene.consumer.begin()
    return scene
  }

  get positions(): number[] {
    return this.records.map(([position]) => position)
  }

  pushRecord(position: number): void {
    this.push(recordOf(`$JS.ACK.S.c.1.${position}.1.1700000000123456789.0`))
  }
}

const recordOf = (reply: string): PushedMessage => ({ reply, data: Buffer.from('data') })

function controlOf(code: number, text: string, fields: Record<string, string> = {}, reply = '') {
  const control = headers(code, text)
  for (const [name, value] of Object.entries(fields)) control.set(name, value)
  return { reply, data: new Uint8Array(0), headers: control }
}

describe('a record', () => {
  test.each([
    ['with 9 tokens', '$JS.ACK.S.c.1.7.3.1700000000123456789.0'],
    ['with a domain and an account', '$JS.ACK._.hash.S.c.1.7.3.1700000000123456789.0'],
    ['with more tokens at its end', '$JS.ACK.hub.hash.S.c.1.7.3.1700000000123999999.0.x.y'],
  ])('is placed and timed by a reply subject %s', async (_what, reply) => {
    const scene = await Scene.begun(7)
    scene.push(recordOf(reply))
    expect(scene.records).toEqual([[7, 1_700_000_000_123, 'data']])
  })

  test('that came before is dropped, one that comes too early ends the consumer', async () => {
    const scene = await Scene.begun(5)
    for (const position of [4, 5, 5, 6, 4, 8, 9]) scene.pushRecord(position)
    expect(scene.positions).toEqual([5, 6])
    expect(scene.ends).toEqual(['skipped', 'skipped'])
  })

  test('is kept back until the consumer begins, flow control too', async () => {
    const scene = new Scene(1)
    await scene.consumer.create()
    scene.pushRecord(1)
    scene.push(controlOf(100, 'FlowControl Request', {}, '$JS.FC.S.c.1'))
    scene.pushRecord(2)
    expect([scene.records, scene.published]).toEqual([[], []])
    scene.consumer.begin()
    expect(scene.positions).toEqual([1, 2])
    expect(scene.published).toEqual(['$JS.FC.S.c.1'])
  })

  test('is not handed on once the consumer has ended', async () => {
    const scene = await Scene.begun()
    scene.pushRecord(1)
    scene.consumer.end()
    scene.pushRecord(2)
    expect(scene.positions).toEqual([1])
    expect(scene.isSubscribed).toBe(false)
    expect(scene.deleted).toEqual([scene.config.name])
  })
})

describe('a message of the server', () => {
  test('that says it is stalled is answered, for the first answer may be lost', async () => {
    const scene = await Scene.begun()
    scene.push(controlOf(100, 'Idle Heartbeat', { 'Nats-Consumer-Stalled': '$JS.FC.S.c.2' }))
    expect(scene.published).toEqual(['$JS.FC.S.c.2'])
    expect(scene.ends).toEqual([])
  })

  test('that says it sent more than came ends the consumer', async () => {
    const scene = await Scene.begun(4)
    scene.push(controlOf(100, 'Idle Heartbeat', { 'Nats-Last-Stream': '3' }))
    expect(scene.ends).toEqual([])
    scene.push(controlOf(100, 'Idle Heartbeat', { 'Nats-Last-Stream': '4' }))
    expect(scene.ends).toEqual(['skipped'])
  })

  test('that is a refusal ends the consumer', async () => {
    const scene = await Scene.begun()
    scene.push(controlOf(409, 'Consumer Deleted'))
    expect(scene.ends).toEqual(['refused'])
  })
})

describe('what comes faster than it can be used', () => {
  const busy = (ms: number) => {
    now += ms
  }
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

  test('is handed on in order, a slice a turn, and others have theirs in between', async () => {
    const scene = await Scene.begun()
    scene.used = () => busy(2)
    for (let position = 1; position <= 4; position++) scene.pushRecord(position)
    expect(scene.positions).toEqual([1])
    let turns = 0
    while (scene.positions.length < 4) {
      await turn()
      turns++
      expect(scene.positions).toEqual([1, 2, 3, 4].slice(0, scene.positions.length))
    }
    expect(turns).toBeGreaterThanOrEqual(3)
    scene.used = () => undefined
    await turn()
    scene.pushRecord(5)
    expect(scene.positions).toEqual([1, 2, 3, 4, 5])
  })

  test('has half of the time while everything else takes long', async () => {
    const scene = await Scene.begun()
    scene.used = () => busy(1)
    for (let position = 1; position <= 12; position++) scene.pushRecord(position)
    expect(scene.positions).toHaveLength(1)
    await turn()
    expect(scene.positions).toHaveLength(2)
    busy(6)
    await turn()
    expect(scene.positions).toHaveLength(8)
    await turn()
    expect(scene.positions).toHaveLength(9)
  })

  test('waits together with the flow control behind it: the server is not told to send more', async () => {
    const scene = await Scene.begun()
    scene.used = () => busy(2)
    scene.pushRecord(1)
    scene.pushRecord(2)
    scene.push(controlOf(100, 'FlowControl Request', {}, 'flow'))
    expect(scene.published).toEqual([])
    while (scene.published.length === 0) await turn()
    expect(scene.positions).toEqual([1, 2])
  })

  test('comes before whatever came later, also when the consumer begins late', async () => {
    const scene = new Scene(1)
    await scene.consumer.create()
    scene.used = () => busy(2)
    scene.pushRecord(1)
    scene.pushRecord(2)
    scene.consumer.begin()
    scene.pushRecord(3)
    expect(scene.positions).toEqual([1])
    while (scene.positions.length < 3) await turn()
    expect(scene.positions).toEqual([1, 2, 3])
    expect(scene.ends).toEqual([])
  })

  test('goes no further when whoever is told of a record ends the consumer', async () => {
    const scene = await Scene.begun()
    scene.used = () => busy(2)
    for (let position = 1; position <= 4; position++) scene.pushRecord(position)
    scene.used = () => scene.consumer.end()
    await turn()
    await turn()
    expect(scene.positions).toEqual([1, 2])
  })

  test('is forgotten when the consumer ends', async () => {
    const scene = await Scene.begun()
    scene.used = () => busy(2)
    scene.pushRecord(1)
    scene.pushRecord(2)
    scene.consumer.end()
    await turn()
    await turn()
    expect(scene.positions).toEqual([1])
  })
})
