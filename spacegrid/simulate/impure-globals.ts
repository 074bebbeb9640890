import type { FindingRule } from '../testing/simulation.ts'

/** Who is being watched. */
export interface ImpureUse {
  /** ms since the epoch: what its machine's clock would say. */
  now(): number
  /** In [0, 1). */
  random(): number
  /** The handler has looked at what is not the transaction's. */
  used(rule: FindingRule, what: string): void
}

/** Whose handler is running; nobody else is looked at. */
let current: ImpureUse | undefined

/** Runs synchronously what must not look at a clock, at chance, or at the environment. */
export function watching<T>(use: ImpureUse, run: () => T): T {
  const before = current
  current = use
  try {
    return run()
  } finally {
    current = before
  }
}

/** What the grid itself does meanwhile is its own affair. */
export function unwatched<T>(run: () => T): T {
  const before = current
  current = undefined
  try {
    return run()
  } finally {
    current = before
  }
}

function ask<T>(rule: FindingRule, what: string, real: () => T, instead: (use: ImpureUse) => T): T {
  const use = current
  if (!use) return real()
  return unwatched(() => {
    use.used(rule, what)
    return instead(use)
  })
}

let installed = 0
let restore = () => {}

/**
 * Puts itself before the globals that handlers must not use, until the function that it returns is
 * called. To everybody but a watched handler they are as before. A watched one is given what the
 * seed says, so that the same seed gives the same run.
 */
export function installImpureGlobals(): () => void {
  if (installed++ === 0) restore = replaceGlobals()
  let isOver = false
  return () => {
    if (!isOver && --installed === 0) restore()
    isOver = true
  }
}

function replaceGlobals(): () => void {
  const { Date: RealDate, Math: math, performance, crypto, process } = globalThis
  const { env } = process
  const random = math.random
  const now = () => ask('clock', 'Date.now()', RealDate.now, (use) => Math.floor(use.now()))
  const clock = (what: string) => ask('clock', what, RealDate.now, (use) => Math.floor(use.now()))
  globalThis.Date = new Proxy(RealDate, {
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length > 0 ? given : [clock('new Date()')], newTarget),
    apply: () => new RealDate(clock('Date()')).toString(),
  })
  math.random = () => ask('random', 'Math.random()', random, (use) => use.random())
  process.env = new Proxy(env, {
    get: (target, name) =>
      typeof name === 'string'
        ? ask(
            'environment',
            `process.env.${name}`,
            () => target[name],
            () => target[name],
          )
        : Reflect.get(target, name),
  })
  shadow(
    performance,
    'now',
    (real) => () =>
      ask(
        'clock',
        'performance.now()',
        () => real.call(performance) as number,
        (use) => use.now(),
      ),
  )
  shadow(
    crypto,
    'randomUUID',
    (real) => () => ask('random', 'crypto.randomUUID()', () => real.call(crypto) as string, uuidOf),
  )
  shadow(
    crypto,
    'getRandomValues',
    (real) => (list: Uint8Array) =>
      ask(
        'random',
        'crypto.getRandomValues()',
        () => real.call(crypto, list) as Uint8Array,
        (use) => {
          for (let at = 0; at < list.length; at++) list[at] = Math.floor(use.random() * 256)
          return list
        },
      ),
  )
  return () => {
    globalThis.Date = RealDate
    math.random = random
    process.env = env
    Reflect.deleteProperty(performance, 'now')
    Reflect.deleteProperty(crypto, 'randomUUID')
    Reflect.deleteProperty(crypto, 'getRandomValues')
  }
}

// biome-ignore lint/suspicious/noExplicitAny: methods of built-in objects, each with its own parameters
type Method = (...parameters: any[]) => unknown

/** An own property before the one that is inherited; deleting it brings that back. */
function shadow(target: object, name: string, make: (real: Method) => Method): void {
  const real = Reflect.get(target, name) as Method
  Object.defineProperty(target, name, { value: make(real), configurable: true, writable: true })
}

const uuidOf = (use: ImpureUse): string => {
  const digits = Array.from({ length: 12 }, () => Math.floor(use.random() * 16).toString(16))
  return `00000000-0000-4000-8000-${digits.join('')}`
}
