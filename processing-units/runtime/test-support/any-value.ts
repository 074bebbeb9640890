import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Random } from '@spacegrid/grid/engine/ports/random'

/** Chances of a seeded run. */
export class Chances {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  below(count: number): number {
    return this.#random.integer() % count
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  in(count: number): boolean {
    return this.below(count) === 0
  }
}

class Money {
  readonly cents = 5
  toJSON(): string {
    return 'five'
  }
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : { in: nested(depth - 1) })

function circle(): object {
  const ring: { self?: object } = {}
  ring.self = ring
  return ring
}

const trap = () => {
  throw new Error('it does not want to be looked at')
}

const hostile = () => new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap })
const touchy = () => Object.defineProperty({}, 'id', { get: trap, enumerable: true })

/** What JavaScript has, none of it a promise: made anew each time, so that nothing is shared. */
const makers: readonly (() => unknown)[] = [
  ...[undefined, null, true, false, 0, -0, 1, -1, 1.5, 7, 300, Number.NaN].map((it) => () => it),
  ...[Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e308, 5e-324].map((it) => () => it),
  ...['', 'a', 'b', 'free', 'held', '\ud800', 'a\0', 'x'.repeat(2000)].map((it) => () => it),
  ...[5n, 2n ** 80n, Symbol('it'), Symbol.iterator].map((it) => () => it),
  ...[() => () => 1, () => async () => 1, () => class {}, () => new Money(), () => hostile()],
  ...[() => touchy(), () => circle(), () => nested(80), () => nested(3), () => Object.create(null)],
  ...[() => new Map([['a', 1]]), () => new Set([1]), () => new WeakMap(), () => /a/g],
  ...[() => new Date(7), () => new Date(Number.NaN), () => new Error('it'), () => new Number(5)],
  ...[() => Object('text'), () => Buffer.from('bytes'), () => new Uint8Array([1, 2])],
  ...[() => new Float64Array([0.5]), () => new BigInt64Array(1), () => new ArrayBuffer(4)],
  ...[() => new DataView(new ArrayBuffer(4)), () => [], () => [1], () => ['x'], () => [undefined]],
  ...[
    () => new Array(3),
    () => Object.assign(new Array(3), ['a']),
    () => [[['a']]],
    () => [null],
    () => [new Map()],
  ],
  ...[() => ({}), () => ({ id: 'a' }), () => ({ equals: null }), () => ({ limit: -1 })],
  ...[() => ({ id: undefined, n: 1 }), () => JSON.parse('{"__proto__":{"n":1}}') as unknown],
  ...[
    () => ({ '': 1 }),
    () => ({ '\ud800': 1 }),
    () => ({ constructor: 1 }),
    () => globalThis.Math,
  ],
  ...[() => function* () {}, () => [1n], () => ({ deep: { n: Number.NaN } })],
]

export const anyValue = (chances: Chances): unknown => chances.oneOf(makers)()

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const touchyError = (member: string) => () =>
  Object.defineProperty(new Error('it'), member, { get: trap })

const thrown: readonly (() => unknown)[] = [
  revoked,
  () => new Proxy(new Error('it'), { get: trap }),
  () => Object.setPrototypeOf(new Error('it'), revoked()) as unknown,
  ...['message', 'stack', 'name', 'cause'].map(touchyError),
  () => Object.assign(new Error('it'), { stack: 5 }),
  () => Object.assign(new Error('it'), { message: Symbol('it') }),
  () => new AggregateError([new Error('it')]),
  () => new DOMException('it', 'AbortError'),
  () => new Rejection('no', revoked() as never),
  () => new Rejection('no', 'text' as never),
  () => new Rejection('no', { n: 1n }),
  () => new Rejection(Symbol('no') as never),
  () => Object.defineProperty(new Rejection('no'), 'reason', { get: trap }),
  () => Object.defineProperty(new Rejection('no'), 'details', { get: trap }),
  ...(['memory_full', 'not_found', 'stopping', 'log_replaced', 'none' as never] as const).map(
    (code) => () => new GridError(code, 'it', { details: { n: 1n } }),
  ),
  () => Object.defineProperty(new GridError('memory_full', 'it'), 'code', { get: trap }),
  () => new GridError('memory_full', 'it', { details: revoked() as never }),
]

/** What a callback may throw, errors of the grid's own kinds among it. */
export const anyThrown = (chances: Chances): unknown =>
  chances.in(3) ? anyValue(chances) : chances.oneOf(thrown)()

/** Promises of every kind; most are rejected, and nobody has a hand on them. */
export const anyPromise = (chances: Chances): unknown =>
  chances.oneOf([
    () => Promise.reject(new Error('rejected')),
    () => Promise.reject(undefined),
    () => Promise.resolve({ id: 'a' }),
    () => new Promise(() => undefined),
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is meant
    () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject('foreign') }),
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is meant
    () => ({ then: trap }),
    () =>
      (async () => {
        await null
        throw new Error('later')
      })(),
    () => Promise.reject(revoked()),
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is meant
    () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject(revoked()) }),
  ])()
