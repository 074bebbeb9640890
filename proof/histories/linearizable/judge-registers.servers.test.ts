import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { beforeAll, describe, expect, test } from 'vitest'
import { isGoInstalled } from '../../support/go-program.ts'
import type { RegisterOperation } from '../register-operation.ts'
import { judgeRegisters } from './judge-registers.ts'

type Part = Partial<RegisterOperation> & { readonly at: readonly [number, number?] }

function operation(kind: RegisterOperation['kind'], { at, ...part }: Part): RegisterOperation {
  const [call, end] = at
  return {
    client: 1,
    key: 'r',
    kind,
    input: {},
    output: {},
    call,
    ...(end === undefined ? { outcome: 'unknown' } : { return: end, outcome: 'ok' }),
    ...part,
  }
}

const write = (to: string, ...at: [number, number?]) => operation('write', { input: { to }, at })
const read = (found: string | null, ...at: [number, number?]) =>
  operation('read', { output: { found }, at })
const cas = (from: string | null, to: string, ...at: [number, number?]) =>
  operation('cas', { input: { from, to }, output: { done: true }, at })
const refusedCas = (from: string | null, found: string | null, ...at: [number, number?]) =>
  operation('cas', { input: { from, to: 'never' }, output: { done: false, found }, at })
const failed = (of: RegisterOperation): RegisterOperation => ({ ...of, outcome: 'fail' })
const on = (key: string, of: RegisterOperation): RegisterOperation => ({ ...of, key })

const linearizable: [string, RegisterOperation[]][] = [
  ['nothing', []],
  ['a register that nobody has written', [read(null, 0, 1)]],
  ['one after the other', [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('b', 6, 7)]],
  ['a read during a write sees it', [write('a', 0, 9), read('a', 1, 2), read('a', 3, 4)]],
  ['a read during a write does not', [write('a', 0, 9), read(null, 1, 2)]],
  [
    'what overlaps may come in either order',
    [write('a', 0, 9), write('b', 0, 9), read('a', 10, 11), read('a', 12, 13)],
  ],
  ['a cas of what is there', [write('a', 0, 1), cas('a', 'b', 2, 3), read('b', 4, 5)]],
  ['a cas of a new register', [cas(null, 'a', 0, 1), read('a', 2, 3)]],
  ['a cas that is refused', [write('a', 0, 1), refusedCas('x', 'a', 2, 3), read('a', 4, 5)]],
  ['an unknown write that has not happened', [write('a', 0), read(null, 1, 2)]],
  ['an unknown write that has', [write('a', 0), read(null, 1, 2), read('a', 3, 4)]],
  [
    'an unknown write that happens late',
    [write('a', 0), write('b', 1, 2), read('b', 3, 4), read('a', 5, 6)],
  ],
  [
    'an unknown cas that somebody saw',
    [write('a', 0, 1), cas('a', 'b', 2), read('a', 3, 4), read('b', 5, 6)],
  ],
  [
    'an unknown cas whose time had passed',
    [write('a', 0, 1), cas('a', 'b', 2), write('c', 3, 4), read('c', 5, 6)],
  ],
  ['an unknown read', [write('a', 0, 1), read(null, 2), read('a', 3, 4)]],
  ['a write that failed', [failed(write('a', 0, 1)), read(null, 2, 3)]],
  ['two registers', [on('x', write('a', 0, 1)), on('y', read(null, 2, 3))]],
]

const notLinearizable: [string, RegisterOperation[]][] = [
  ['a stale read', [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)]],
  [
    'a read that is older than one before it',
    [write('a', 0, 9), read('a', 1, 2), read(null, 3, 4)],
  ],
  ['a lost write', [write('a', 0, 1), read(null, 2, 3)]],
  ['a value that nobody wrote', [write('a', 0, 1), read('z', 2, 3)]],
  ['a doubled cas', [write('a', 0, 1), cas('a', 'b', 2, 9), cas('a', 'c', 2, 9)]],
  [
    'a write that took effect twice',
    [write('a', 0, 1), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7)],
  ],
  ['a cas of what is not there', [write('a', 0, 1), cas('x', 'b', 2, 3)]],
  ['a cas refused though it fits', [write('a', 0, 1), refusedCas('a', 'a', 2, 3)]],
  ['a refused cas that saw what is not there', [write('a', 0, 1), refusedCas('x', null, 2, 3)]],
  ['a refused cas that took effect', [refusedCas('x', null, 0, 1), read('never', 2, 3)]],
  ['an unknown write that happens before its call', [read('a', 0, 1), write('a', 2)]],
  [
    'an unknown write that happens twice',
    [write('a', 0), read('a', 1, 2), write('b', 3, 4), read('b', 5, 6), read('a', 7, 8)],
  ],
  ['an unknown cas without what it needs', [write('a', 0, 1), cas('x', 'b', 2), read('b', 3, 4)]],
  ['a write that failed and is there', [failed(write('a', 0, 1)), read('a', 2, 3)]],
]

// Skipped: without Go the checker cannot be built; said loudly.
describe.skipIf(!isGoInstalled(process.env, 'the check of registers'))('registers', () => {
  beforeAll(() => judgeRegisters([]), 600_000)

  test.each(linearizable)('are linearizable: %s', async (_, history) => {
    const keys = new Set(history.map(({ key }) => key)).size
    expect(await judgeRegisters(history)).toMatchObject({
      verdict: 'linearizable',
      operations: history.length,
      keys,
      findings: [],
    })
  })

  test.each(notLinearizable)('are not: %s', async (_, history) => {
    const { verdict, findings } = await judgeRegisters(history)
    expect(verdict).toBe('not linearizable')
    expect(findings).toMatchObject([{ key: 'r' }])
  })

  test('a few operations show what is wrong, of the key that is', async () => {
    const history: RegisterOperation[] = []
    for (let at = 0; at < 2000; at += 20) {
      history.push(
        on('good', write(`g${at}`, at, at + 5)),
        on('good', read(`g${at}`, at + 6, at + 9)),
      )
      history.push(write(`v${at}`, at, at + 5), read(`v${at}`, at + 6, at + 9))
      history.push(write(`unseen${at}`, at + 10, at + 11))
    }
    history.push(read('v1000', 2001, 2002), write('later', 2003, 2004), read('later', 2005, 2006))
    const { findings } = await judgeRegisters(history)
    expect(findings).toHaveLength(1)
    const [{ key, operations } = { key: '', operations: [] }] = findings
    expect(key).toBe('r')
    // The write of what was read too late, one write after it, and the read.
    expect(operations).toHaveLength(3)
    expect(operations).toContainEqual(expect.objectContaining({ output: { found: 'v1000' } }))
  })

  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  test(`random histories of one order are linearizable, and not with one answer changed (SEED=${seed})`, async () => {
    const random = new SeededRandom(seed)
    const history = serialRegisters(random, 3000)
    expect(await judgeRegisters(history)).toMatchObject({ verdict: 'linearizable', findings: [] })
    const reads = history.flatMap(({ kind, outcome }, at) =>
      kind === 'read' && outcome === 'ok' ? [at] : [],
    )
    const at = reads[random.below(reads.length)] as number
    const read = history[at] as RegisterOperation
    const changed = history.with(at, { ...read, output: { found: 'nobody wrote this' } })
    const { verdict, findings } = await judgeRegisters(changed)
    expect({ verdict, keys: findings.map(({ key }) => key) }).toEqual({
      verdict: 'not linearizable',
      keys: [read.key],
    })
  })

  test.each([
    ['a kind', { kind: 'increment' }, 'line 1: kind "increment"'],
    ['an outcome', { outcome: 'maybe' }, 'line 1: outcome "maybe"'],
    ['a return before the call', { return: -1 }, 'line 1: it returns before its call'],
    ['no return', { return: undefined }, 'line 1: what has an outcome has a return'],
  ])('are refused with %s that cannot be', async (_, part, complaint) => {
    const history = [{ ...write('a', 0, 1), ...part } as RegisterOperation]
    await expect(judgeRegisters(history)).rejects.toThrow(complaint)
  })
})

/** What clients would have seen of registers that do one operation after the other. */
function serialRegisters(random: SeededRandom, count: number): RegisterOperation[] {
  const held = new Map<string, string | null>()
  const free = Array.from({ length: 8 }, () => 0)
  return Array.from({ length: count }, (_, number) => {
    const client = random.below(free.length)
    const moment = 1000 * (number + 1)
    const call = Math.max(free[client] as number, moment - random.below(4000))
    const end = moment + random.below(4000)
    free[client] = end + 1
    // Only who is free calls: otherwise the moment would lie before the call.
    const at: [number, number?] = call > moment ? [moment, moment] : [call, end]
    const key = `r${random.below(12)}`
    const found = held.get(key) ?? null
    const to = `v${number}`
    const isLost = random.chance(0.02)
    const happens = !isLost || random.chance(0.5)
    const luck = random.below(4)
    if (isLost) at.pop()
    if (luck < 2) return { ...on(key, read(found, ...at)), client }
    if (luck === 2) {
      if (happens) held.set(key, to)
      return { ...on(key, write(to, ...at)), client }
    }
    const fits = random.chance(0.5)
    if (!fits && !isLost) return { ...on(key, refusedCas('other', found, ...at)), client }
    if (happens) held.set(key, to)
    return { ...on(key, cas(found, to, ...at)), client }
  })
}
