import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { build } from 'hdr-histogram-js'
import type { Policy } from './policies.ts'

/** What became of those who were due in one second. */
export interface OfferedSecond {
  /** Answered no later than `inTimeMs` after they were due. */
  readonly inTime: number
  readonly shed: number
  /** Of those that were answered at all, ms; 0: none was. */
  readonly p99: number
}

export interface Offered {
  readonly seconds: number
  readonly offered: number
  /** Answered while it lasted, no later than `inTimeMs` after they were due. */
  readonly inTime: number
  readonly shed: number
  /** Neither answered nor turned away: given up by the unit. */
  readonly failed: number
  /** Of those that were answered at all, from when they were due, ms. */
  readonly p50: number
  readonly p99: number
  /**
   * From when on, for a second, no more than one in a hundred was turned away or took longer than
   * `slowMs`; ms, null: there was no such second.
   */
  readonly wellAfterMs: number | null
  readonly bySecond: readonly OfferedSecond[]
}

/** Who waits longer has gone. */
export const inTimeMs = 1000
const callers = 64

const callerOf = (number: number): Caller => ({
  name: `caller-${number % callers}`,
  origin: { door: 'http', address: undefined, credential: undefined },
})
const known = Array.from({ length: callers }, (_, number) => callerOf(number))

let next = 0

/**
 * Open loop: commands at a rate, whatever becomes of them, as a door hands them to a unit. What is
 * due while the event loop is busy is handed over when it is free, as what waits in sockets is;
 * times count from when it was due.
 * @param slowMs from which on an answer is a bad one
 */
export async function offer(
  unit: ProcessingUnit,
  policy: Policy,
  perSecond: number,
  ms: number,
  slowMs: number,
): Promise<Offered> {
  const times = build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3 })
  const from = performance.now()
  let [offered, inTime, shed, failed, open] = [0, 0, 0, 0, 0]
  const seconds = Array.from({ length: Math.ceil(ms / 1000) }, () => ({
    ...{ inTime: 0, shed: 0 },
    times: [] as number[],
  }))
  const secondOf = (due: number) => seconds[Math.floor((due - from) / 1000)] as (typeof seconds)[0]
  const turnedAway = (due: number) => {
    shed++
    secondOf(due).shed++
  }
  const tenths = Array.from({ length: Math.ceil(ms / 100) }, () => ({ due: 0, bad: 0 }))
  const tenthOf = (due: number) => tenths[Math.floor((due - from) / 100)] as (typeof tenths)[0]
  const bad = (due: number) => {
    tenthOf(due).bad++
  }
  const ask = (due: number) => {
    offered++
    tenthOf(due).due++
    const number = next++
    const caller = known[number % callers] as Caller
    if (!policy.admits(number, performance.now())) {
      turnedAway(due)
      bad(due)
      return
    }
    open++
    handOver(unit, number, caller).then(
      () => {
        const now = performance.now()
        open--
        policy.answered(now - due)
        times.recordValue(Math.round((now - due) * 1000))
        secondOf(due).times.push(now - due)
        if (now - due <= inTimeMs) secondOf(due).inTime++
        if (now - due <= inTimeMs && now - from <= ms) inTime++
        if (now - due > slowMs) bad(due)
      },
      (error: { code?: string }) => {
        open--
        policy.answered(performance.now() - due)
        if (error.code === 'overloaded') turnedAway(due)
        else failed++
        bad(due)
      },
    )
  }
  for (let now = from; now - from < ms; now = performance.now()) {
    while (from + (offered * 1000) / perSecond <= now) ask(from + (offered * 1000) / perSecond)
    await new Promise((wake) => setTimeout(wake, 1))
  }
  // Nobody is waited for longer than commands live.
  for (let waits = 0; open > 0 && waits < 1200; waits++)
    await new Promise((wake) => setTimeout(wake, 10))
  const at = (percentile: number) => times.getValueAtPercentile(percentile) / 1000
  const counts = { offered, inTime, shed, failed: failed + open }
  const bySecond = seconds.map(({ times, ...counted }) => ({ ...counted, p99: p99Of(times) }))
  const wellAfterMs = wellAfter(tenths)
  return { seconds: ms / 1000, ...counts, p50: at(50), p99: at(99), wellAfterMs, bySecond }
}

function wellAfter(
  tenths: readonly { readonly due: number; readonly bad: number }[],
): number | null {
  for (let from = 0; from + 10 <= tenths.length; from++) {
    const second = tenths.slice(from, from + 10)
    const [due, bad] = second.reduce<[number, number]>(
      ([due, bad], one) => [due + one.due, bad + one.bad],
      [0, 0],
    )
    if (bad <= due * 0.01) return from * 100
  }
  return null
}

const p99Of = (times: readonly number[]): number =>
  times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0

/** As the pipeline of the doors does. */
async function handOver(unit: ProcessingUnit, number: number, caller: Caller): Promise<unknown> {
  unit.turnAway('touch', caller)
  return await unit.execute('touch', { id: `item-${number % 10_000}` }, { caller })
}
