import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFrame, decodeTransactions, encodeFrame } from '../engine/wire/frame-codec.ts'
import { evaluateSteps } from './evaluation.ts'
import { type Frame, FrameKind } from './frame.ts'
import { Melder } from './meld.ts'
import { execute, laterShape, newCommand, shape, snapshot, told } from './random-commands.test.ts'
import { initialShape, mergeShapes, partsCacheNumber } from './shape.ts'
import { counts, Unit, World } from './simulated-unit.test.ts'
import { SpaceState } from './space-state.ts'

const idle: Frame = {
  kind: FrameKind.transactions,
  origin: 0,
  id: 1,
  previous: 0,
  deadline: 0,
  transactions: [],
  parts: 0,
}

/** The same application's caches under another key: refused alike by every replica. */
const contradicting = {
  caches: laterShape.caches.map((cache) =>
    initialShape.caches.includes(cache) ? cache : { ...cache, key: 'other' },
  ),
}

/**
 * A few units on one log, over a bad network; every unit now and then dies and starts again from
 * nothing.
 */
function play(world: World, units: Unit[]): void {
  const { random } = world
  const store = (frame: Frame) => world.store(encodeFrame(frame))
  let shaped = false
  for (let step = 0; step < 700; step++) {
    const at = random(units.length)
    const unit = units[at] as Unit
    const luck = random(1000)
    if (luck < 200) unit.run(unit.again.shift() ?? newCommand(random))
    else if (luck < 400) unit.send()
    else if (luck < 430) world.deliverDelayed()
    else if (luck < 440) store(idle)
    else if (luck < 443) unit.leave()
    else if (luck < 446) units[at] = new Unit(`again ${step}`, world)
    else if (luck < 450) store({ kind: FrameKind.shape, shape: contradicting })
    else if (luck < 455) {
      store({ kind: FrameKind.shape, shape: laterShape })
      shaped = true
    } else for (let count = random(3); count >= 0; count--) unit.tail()
  }
  while (world.delayed.length > 0) world.deliverDelayed()
  if (!shaped) store({ kind: FrameKind.shape, shape: laterShape })
  for (const unit of units) while (unit.state.position < world.log.length) unit.tail()
}

/**
 * Melds the whole log once more, and beside it executes what applied, one command after the other,
 * each handler run anew.
 */
function replay({ log, attempts, givenUp }: World): { reference: SpaceState; serial: SpaceState } {
  const reference = new SpaceState()
  const serial = new SpaceState()
  const lastNumbers = new Map<number, number>()
  let origin = 0
  const melder = new Melder(reference, decodeTransactions, {
    decided: (_, record, id, evaluation) => {
      counts[evaluation.outcome]++
      expect(record.number).toBeGreaterThan(lastNumbers.get(origin) ?? 0)
      lastNumbers.set(origin, record.number)
      if (evaluation.outcome === 'collided') return
      const attempt = attempts.get(id)
      if (!attempt) throw new Error(`nobody has sent transaction ${id}`)
      const alone = execute(serial, attempt.command, origin, record.number)
      const effect = evaluateSteps(serial, alone.rejection ? [] : alone.record.steps, id)
      expect(told(alone, effect)).toEqual(told(attempt, evaluation))
      expect(reference.time).toBeGreaterThanOrEqual(record.notBefore)
      if (evaluation.outcome !== 'applied' || effect.outcome !== 'applied') return
      expect(++attempt.command.applied).toBe(1)
      expect(record.events).toEqual(alone.record.events)
      for (const w of effect.writes)
        serial.write(w.cache, w.key, w.value, w.version, reference.position)
    },
  })
  log.forEach(({ data, time }, i) => {
    const frame = decodeFrame(data)
    origin = 'origin' in frame ? frame.origin : 0
    const last = reference.time
    const accepted = melder.meld(frame, i + 1, time)
    expect(reference.time).toBe(Math.max(last, time))
    if (frame.kind === FrameKind.shape) serial.reshape(reference.layout.shape)
    else if ('origin' in frame) {
      if (!accepted) counts.ignored++
      if (accepted && frame.kind === FrameKind.transactions && frame.parts > 0) counts.inParts++
      if (accepted) expect(givenUp.has(`${frame.origin}.${frame.id}`)).toBe(false)
    }
  })
  return { reference, serial }
}

const application = (state: SpaceState) =>
  snapshot(state).caches.filter((_, number) => number !== partsCacheNumber)

// architecture.md, section 3, invariants 1 to 4 and 9; strict serializability of what is committed.
test('any interleaving of frames gives the same state everywhere: that of one command after the other', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const world = new World(seed)
      const units = [0, 1, 2].map((i) => new Unit(`unit ${i}`, world))
      play(world, units)
      const { reference, serial } = replay(world)
      expect(application(serial)).toEqual(application(reference))
      const wanted = snapshot(reference)
      for (const { state } of units) expect(snapshot(state)).toEqual(wanted)

      // Indexes and caches added on the way are as if they had been there from the start.
      const whole = mergeShapes(mergeShapes(initialShape, shape), laterShape)
      const fromStart = new Melder(new SpaceState(whole), decodeTransactions)
      world.log.forEach(({ data, time }, i) => void fromStart.meld(decodeFrame(data), i + 1, time))
      expect(snapshot(fromStart.state)).toEqual(wanted)
    }),
    { numRuns: 150, endOnFailure: true },
  )
  // What never happened would not have been tested.
  for (const [what, count] of Object.entries(counts))
    expect([what, count > 10]).toEqual([what, true])
})
