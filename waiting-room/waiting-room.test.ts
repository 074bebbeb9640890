import { serveLines } from '@spacegrid/grid/doors/nats/line-services'
import { LinePasses } from '@spacegrid/grid/doors/request/line-passes'
import type { Place } from '@spacegrid/grid/doors/request/line-serving'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { describe, expect, test } from 'vitest'
import type { RoomOptions } from './room-options.ts'
import { roomSpace } from './space.ts'
import { simulatedRoom } from './test-support/simulated-line.ts'
import { WaitingRoom } from './waiting-room.ts'

const line = 'shop'
const passes = new LinePasses(['a-secret-of-at-least-32-characters'])

class RoomWorld {
  readonly world = new UnitWorld(roomSpace)
  readonly rooms: WaitingRoom[] = []
  readonly units: WorldUnit[] = []
  readonly options: RoomOptions

  constructor(options: Partial<RoomOptions> = {}) {
    this.options = { ...simulatedRoom, insideFirst: 5, insideMax: 5, visitMs: 60_000, ...options }
  }

  async open(): Promise<WaitingRoom> {
    const started = await this.world.startReady()
    this.units.push(started)
    const room = new WaitingRoom(
      started.unit,
      {
        ...{ passes, clock: this.world.clock, warn: () => undefined },
        random: new SeededRandom(this.rooms.length + 1),
      },
      this.options,
    )
    room.start()
    await this.world.until(() => room.isOpen)
    this.rooms.push(room)
    return room
  }

  of<T>(promise: Promise<T>): Promise<T> {
    return this.world.settled(promise)
  }

  passing(ms: number): Promise<void> {
    return this.world.clock.advance(ms)
  }

  join(room: WaitingRoom, joining = {}): Promise<Place> {
    return this.of(room.join(line, joining))
  }

  /** Until the place has another state. */
  async until(room: WaitingRoom, place: Place, state: Place['state']): Promise<Place> {
    const ticket = ticketOf(place)
    await this.world.until(() => room.look(line, ticket).state === state, 120_000)
    return room.look(line, ticket)
  }
}

function ticketOf(place: Place): string {
  if (place.state === 'over') throw new Error('the turn is over')
  return place.ticket
}

const numbersOf = (places: readonly Place[]) => places.map(({ number }) => number)

describe('a waiting room', () => {
  test('gives places in the order in which they are asked for, many with one transaction', async () => {
    const world = new RoomWorld()
    const room = await world.open()
    const before = world.world.stream.last
    const places = await world.of(
      Promise.all(Array.from({ length: 500 }, () => room.join(line, {}))),
    )
    expect(numbersOf(places)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1))
    expect(world.world.stream.last - before).toBeLessThan(20)
  })

  test('lets in the first ones at once, and the others when somebody leaves', async () => {
    const world = new RoomWorld()
    const room = await world.open()
    const places: Place[] = []
    for (let at = 0; at < 8; at++) places.push(await world.join(room))
    const fifth = await world.until(room, places[4] as Place, 'admitted')
    expect(fifth).toMatchObject({ number: 5, lane: 'general' })
    expect(room.look(line, ticketOf(places[5] as Place))).toMatchObject({
      state: 'waiting',
      ahead: 0,
    })
    expect(room.look(line, ticketOf(places[7] as Place))).toMatchObject({
      state: 'waiting',
      ahead: 2,
    })
    room.leave(line, ticketOf(places[0] as Place))
    await world.until(room, places[5] as Place, 'admitted')
    expect(room.look(line, ticketOf(places[6] as Place)).state).toBe('waiting')
    // Whoever leaves twice has left once.
    room.leave(line, ticketOf(places[0] as Place))
    await world.passing(3000)
    expect(room.look(line, ticketOf(places[6] as Place)).state).toBe('waiting')
  })

  test('gives the same admission however often it is asked for', async () => {
    const world = new RoomWorld()
    const room = await world.open()
    const place = await world.until(room, await world.join(room), 'admitted')
    const again = room.look(line, ticketOf(place))
    expect(again).toEqual(place)
    expect(
      place.state === 'admitted' && passes.read('admission', place.admission, 0),
    ).toMatchObject({
      ...{ line, lane: 'general', id: 1 },
      until: place.state === 'admitted' ? place.until : 0,
    })
  })

  test('keeps the place of whoever joins again with their ticket', async () => {
    const world = new RoomWorld()
    const room = await world.open()
    const ticket = ticketOf(await world.join(room))
    expect(await world.join(room, { ticket })).toMatchObject({ number: 1, ticket })
    expect(await world.join(room, { ticket: 'forged' })).toMatchObject({ number: 2 })
  })

  test('says that a turn is over when its time has passed, and gives a new place', async () => {
    const world = new RoomWorld({ visitMs: 5000, claimMs: 1000 })
    const room = await world.open()
    const place = await world.until(room, await world.join(room), 'admitted')
    const over = await world.until(room, place, 'over')
    expect(over).toEqual({ state: 'over', line, lane: 'general', number: 1 })
    expect(await world.join(room, { ticket: ticketOf(place) })).toMatchObject({ number: 2 })
  })

  test('lets others in for those who do not come', async () => {
    const world = new RoomWorld({ claimMs: 2000 })
    const room = await world.open()
    const places: Place[] = []
    for (let at = 0; at < 6; at++) places.push(await world.join(room))
    // Nobody of the first five looks.
    await world.until(room, places[5] as Place, 'admitted')
  })

  test.each([
    ['unknown_line', (room: WaitingRoom) => room.look('none', 'x')],
    ['ticket_invalid', (room: WaitingRoom) => room.look(line, 'x')],
    ['ticket_invalid', (room: WaitingRoom) => room.leave(line, 'x')],
    ['unknown_line', (room: WaitingRoom) => room.outside('none')],
  ])('refuses by name what cannot be: %s', async (code, ask) => {
    const room = await new RoomWorld().open()
    expect(() => ask(room)).toThrow(expect.objectContaining({ code }))
  })

  test('refuses tickets of other lines, and old ones', async () => {
    const world = new RoomWorld({ lines: [line, 'other'] })
    const room = await world.open()
    const pass = { lane: 'general', id: 1, until: Number.MAX_SAFE_INTEGER }
    const other = passes.sign('ticket', { ...pass, line: 'other' })
    const reasonOf = (ticket: string) => {
      try {
        return room.look(line, ticket).state
      } catch (error) {
        return (error as { readonly details: { readonly reason: string } }).details.reason
      }
    }
    expect(reasonOf(other)).toBe('other_line')
    expect(reasonOf(passes.sign('ticket', { ...pass, line, until: 1 }))).toBe('expired')
    expect(reasonOf(passes.sign('admission', { ...pass, line }))).toBe('forged')
  })
})

describe('lanes', () => {
  const lanes = [
    { lane: 'accessible', share: 1, isOpen: true },
    { lane: 'fans', share: 1, isOpen: false },
    { lane: 'general', share: 2, isOpen: false },
  ]
  const claim = passes.sign('claim', { line, lane: 'fans', id: 'member-1', until: 2e12 })

  test('are for whoever asks where they are open, and else for claims', async () => {
    const world = new RoomWorld({ lanes })
    const room = await world.open()
    expect(await world.join(room, { lane: 'accessible' })).toMatchObject({ lane: 'accessible' })
    expect(await world.join(room, { claim })).toMatchObject({ lane: 'fans', number: 1 })
    expect(await world.join(room)).toMatchObject({ lane: 'general', number: 1 })
    await expect(world.join(room, { lane: 'fans' })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    await expect(world.join(room, { lane: 'none' })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    await expect(world.join(room, { claim: 'x' })).rejects.toMatchObject({ code: 'ticket_invalid' })
  })

  test('a claim brings one place, whoever comes with it', async () => {
    const world = new RoomWorld({ lanes })
    const [one, other] = [await world.open(), await world.open()]
    const places = await world.of(
      Promise.all([one, other, one].map((room) => room.join(line, { claim }))),
    )
    const later = await world.join(other, { claim })
    expect(new Set(numbersOf([...places, later])).size).toBe(1)
  })
})

describe('several waiting rooms', () => {
  test('give no place twice, and let in by number, whichever of them dies', async () => {
    const world = new RoomWorld({ insideFirst: 10, insideMax: 10, claimMs: 3000, visitMs: 8000 })
    const [first, second] = [await world.open(), await world.open()]
    const places: Place[] = []
    for (let at = 0; at < 30; at++) places.push(await world.join(at % 2 === 0 ? first : second))
    // Each asks when the one before has been answered: whichever room it is, they come in that
    // order.
    expect(numbersOf(places)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1))
    const seen: number[] = []
    const watch = (room: WaitingRoom) => {
      for (const place of places)
        if (!seen.includes(place.number) && room.look(line, ticketOf(place)).state === 'admitted')
          seen.push(place.number)
    }
    const upTo = (room: WaitingRoom, count: number) =>
      world.world.until(() => {
        watch(room)
        return seen.length >= count
      }, 120_000)
    await upTo(second, 10)
    await world.of(first.stop())
    await world.of((world.units[0] as WorldUnit).unit.stop())
    await upTo(second, 20)
    const third = await world.open()
    await world.of(second.stop())
    await world.of((world.units[1] as WorldUnit).unit.stop())
    expect(await world.join(third)).toMatchObject({ number: 31 })
    await upTo(third, 30)
    expect(seen).toEqual(numbersOf(places))
  })

  test('let in together no more than may be inside', async () => {
    const world = new RoomWorld({ insideFirst: 10, insideMax: 10 })
    const rooms = [await world.open(), await world.open(), await world.open()]
    await world.of(
      Promise.all(
        Array.from({ length: 90 }, (_, at) => (rooms[at % 3] as WaitingRoom).join(line, {})),
      ),
    )
    await world.world.until(() =>
      rooms.every((room) => room.status().lines[line]?.lanes[0]?.admitted === 10),
    )
    await world.passing(5000)
    expect(rooms.map((room) => room.status().lines[line]?.lanes[0])).toEqual(
      Array(3).fill({ lane: 'general', given: 90, admitted: 10 }),
    )
  })
})

describe('what units tell', () => {
  test('ends visits, once each, and is counted', async () => {
    const world = new RoomWorld()
    const room = await world.open()
    const places: Place[] = []
    for (let at = 0; at < 7; at++) places.push(await world.join(room))
    await world.until(room, places[4] as Place, 'admitted')
    const report = { line, committed: 3, shed: 1, finished: ['general/1', 'general/1'] }
    room.report([report, { ...report, committed: 0, shed: 0 }, { ...report, line: 'none' }])
    await world.until(room, places[5] as Place, 'admitted')
    await world.world.until(() => room.status().lines[line]?.finished === 1)
    expect(room.status().lines[line]).toMatchObject({ committed: 3, shed: 1, finished: 1 })
    expect(room.look(line, ticketOf(places[6] as Place)).state).toBe('waiting')
    room.report([{ ...report, finished: ['general/2'] }])
    await world.until(room, places[6] as Place, 'admitted')
  })

  test('are told by anybody, and what is none stops no line', async () => {
    const world = new RoomWorld({ insideFirst: 1, insideMax: 1 })
    const room = await world.open()
    const messaging = new InProcessMessaging(new SystemClock())
    await serveLines(messaging, room, { error: () => undefined })
    const places = [await world.join(room), await world.join(room)]
    await world.until(room, places[0] as Place, 'admitted')
    const tell = (report: unknown) => {
      const data = typeof report === 'string' ? report : JSON.stringify(report)
      return messaging
        .request(subjects.admissions, Buffer.from(data), { timeoutMs: 1000 })
        .catch((error: unknown) => error)
    }
    const right = { line, committed: 1, shed: 0, finished: [] as unknown[] }
    const odd: unknown[] = ['', 'null', '{}', '[null]', '\xc1', [{ line }], [{ ...right, line: 1 }]]
    for (const wrong of ['x', null, -1, 0.5, 1e300, [], {}])
      odd.push([{ ...right, committed: wrong }], [{ ...right, shed: wrong }])
    for (const wrong of [null, 'general/1', { length: 3 }, [1], ['x'.repeat(300)]])
      odd.push([{ ...right, finished: wrong }])
    for (const report of odd)
      expect(await tell(report), JSON.stringify(report)).toMatchObject({
        code: expect.stringMatching(/^invalid_(?:json|input)$/),
      })
    for (const visit of [
      '',
      '/',
      'general/',
      'general/x',
      'none/1',
      '__proto__/1',
      'general/1e999',
    ])
      expect(await tell([{ ...right, finished: [visit] }])).not.toBeInstanceOf(Error)
    expect(await tell([{ ...right, finished: ['general/1'] }])).not.toBeInstanceOf(Error)
    await world.until(room, places[1] as Place, 'admitted')
    expect(room.status().lines[line]).toMatchObject({ committed: 8, shed: 0 })
  })
})
