import { afterEach, expect, test } from 'vitest'
import { installImpureGlobals, unwatched, watching } from './impure-globals.ts'

const restores: (() => void)[] = []
afterEach(() => {
  for (const restore of restores.splice(0)) restore()
})

function watched<T>(run: () => T): { readonly result: T; readonly used: readonly string[] } {
  restores.push(installImpureGlobals())
  const used: string[] = []
  const use = {
    now: () => 1_000.5,
    random: () => 0.25,
    used: (_: string, what: string) => used.push(what),
  }
  return {
    result: watching({ ...use, used: (rule, what) => void use.used(rule, what) }, run),
    used,
  }
}

test('a watched handler gets what the seed says, and every use is told', () => {
  const { result, used } = watched(() => [
    Date.now(),
    new Date().getUTCFullYear(),
    new Date(5).getTime(),
    Math.random(),
    crypto.randomUUID(),
    [...crypto.getRandomValues(new Uint8Array(2))],
    performance.now(),
    process.env.PATH !== undefined,
  ])
  expect(result.slice(0, 4)).toEqual([1000, 1970, 5, 0.25])
  expect(result.slice(4)).toEqual(['00000000-0000-4000-8000-444444444444', [64, 64], 1000.5, true])
  expect(used).toEqual([
    ...['Date.now()', 'new Date()', 'Math.random()', 'crypto.randomUUID()'],
    ...['crypto.getRandomValues()', 'performance.now()', 'process.env.PATH'],
  ])
})

test('nobody else notices anything, and in the end all is as it was', () => {
  const before = [Date, Math.random, process.env, performance.now, crypto.randomUUID]
  const { used } = watched(() => unwatched(() => Date.now() + Math.random()))
  expect(used).toEqual([])
  expect(new Date()).toBeInstanceOf(Date)
  expect(Date.now()).toBeGreaterThan(1_000_000)
  for (const restore of restores.splice(0)) restore()
  expect([Date, Math.random, process.env, performance.now, crypto.randomUUID]).toEqual(before)
  expect(Object.hasOwn(performance, 'now')).toBe(false)
})
