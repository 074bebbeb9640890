import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { Melder } from '@spacegrid/grid/core/meld'
import { initialShape } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { type Step, StepKind } from '@spacegrid/grid/core/steps'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'
import { createBank } from '@spacegrid/proof/support/bank-space'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { Space } from 'spacegrid'
import { afterEach, expect, test } from 'vitest'
import { backUp } from '../backup/backup.ts'
import { runningGrid } from '../backup/test-support/running-grid.ts'
import { createShop, orders } from '../backup/test-support/shop-space.ts'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { Explanation } from './explanation.ts'
import { explanationText } from './explanation-text.ts'
import { LogDesk } from './log-desk.ts'
import { type Listed, type ListingFilter, listedText } from './log-listing.ts'

const desks: LogDesk[] = []
const grids: EmbeddedGrid[] = []

afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.close()
  for (const grid of grids.splice(0)) await grid.stop()
})

async function start(space: Space) {
  const dataDirectory = await temporaryFolder('grid')
  const grid = new EmbeddedGrid([space], { dataDirectory, unitsPerSpace: 1 })
  grids.push(grid)
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid to be ready' })
  return grid
}

/** A backup is a log that can be looked at as the grid's is. */
async function saved(grid: EmbeddedGrid): Promise<(logName: string) => LogDesk> {
  const folder = await temporaryFolder('backup')
  const { logNames } = runningGrid(grid)
  const options = { folder, full: false, progress: () => undefined }
  await backUp(runningGrid(grid), logNames, options)
  return (logName) => {
    const desk = LogDesk.ofBackup(folder, logName)
    desks.push(desk)
    return desk
  }
}

async function listed(desk: LogDesk, filter: ListingFilter = {}): Promise<Listed[]> {
  const { first, last } = await desk.bounds()
  const lines: Listed[] = []
  const until = new AbortController()
  const take = (found: readonly Listed[], at: number) => {
    lines.push(...found)
    if (at === last) until.abort()
  }
  await desk.list(first, filter, take, until.signal)
  return lines
}

test('a log is listed, by entry and by command, and says of each record what became of it', async () => {
  const grid = await start(createShop('shop'))
  const [unit] = grid.units as [EmbeddedGrid['units'][0]]
  for (const id of ['a', 'b']) await unit.execute('open', { id })
  const noted = await unit.execute('note', { id: 'a', text: 'x' }, { idempotencyKey: 'k' })
  await unit.execute('close', { id: 'a' })
  await waitFor(() => unit.get(orders, 'a') === undefined, { what: 'it to leave memory' })
  const desk = (await saved(grid))('shop')

  const ofA = await listed(desk, { key: 'orders/a' })
  expect(ofA.map(({ command, isDue }) => command ?? isDue)).toEqual(['open', 'note', 'close', true])
  expect(await listed(desk, { command: 'open' })).toHaveLength(2)
  const [first] = ofA
  expect(first && listedText(first)).toMatch(
    /^\d+ {2}\S+Z {2}shop-1 {2}open {2}put orders\/a \{.*\n$/,
  )
  const position = Number(noted.position)
  const { unit: sender, transactions } = await desk.explain(position)
  expect(sender).toBe('shop-1')
  expect(transactions).toMatchObject([
    {
      ...{ command: 'note', idempotencyKey: 'k', outcome: 'applied' },
      steps: ['append to orders/a notes ["x"]'],
      changes: [
        { entry: 'orders/a', from: { notes: [] }, to: { notes: ['x'] } },
        { entry: '_idempotency/k', from: undefined },
      ],
    },
  ])
  const gone = ofA.at(-1)?.position ?? 0
  const text = explanationText(await desk.record(gone), await desk.explain(gone))
  expect(text).toMatch(/what was due: applied\n[\s\S]*orders\/a has left memory: \{/)
  expect(await desk.entry(position - 1, 'orders', 'a')).toMatchObject({ value: { notes: [] } })
  expect(await desk.entry(position, 'orders', 'a')).toMatchObject({ value: { notes: ['x'] } })
})

test('a command across partitions is found in all of them by its attempt', async () => {
  const grid = await start(createBank(2))
  const [unit] = grid.serving as [EmbeddedGrid['serving'][0]]
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const account of names) await unit.execute('deposit', { account, sum: 10 })
  for (const to of names.slice(1)) await unit.execute('transfer', { from: 'a', to, sum: 1 })
  const deskOf = await saved(grid)
  const all = await Promise.all(['bank.0', 'bank.1'].map((log) => listed(deskOf(log))))
  const attempt = /^prepares (\S+),/.exec(all.flat().find(({ part }) => part)?.part ?? '')?.[1]
  expect(attempt).toBeDefined()
  const parts = (
    await Promise.all(['bank.0', 'bank.1'].map((log) => listed(deskOf(log), { attempt })))
  ).flat()
  const found = parts.map(({ part }) => part?.split(' ')[0]).sort()
  expect(found).toEqual(expect.arrayContaining(['decides', 'finishes', 'prepares', 'prepares']))
  const decided = parts.find(({ part }) => part?.startsWith('decides'))
  const explained = await deskOf(decided?.log ?? '').explain(decided?.position ?? 0)
  const [decision] = explained.transactions.filter(({ part }) => part?.includes(`${attempt}`))
  expect(decision).toMatchObject({ outcome: 'applied' })
  expect(decision?.changes.some(({ entry }) => entry.startsWith('accounts/'))).toBe(true)
})

test('it says why a transaction has collided or was refused, and why a frame was ignored', () => {
  const counters = initialShape.caches.length
  const shape = { name: 'counters', key: 'id', indexes: [], expiry: undefined }
  const state = new SpaceState({ caches: [...initialShape.caches, shape] })
  const meld = (frame: Frame) => {
    const explanation = new Explanation()
    const listener = explanation.begin(state)
    listener.melding?.(frame, state.position + 1, 0)
    const melder = new Melder(state, decodeTransactions, listener)
    listener.melded?.(frame, melder.meld(frame, state.position + 1, 0))
    return explanation.explained
  }
  expect(meld({ kind: FrameKind.join, unit: 'one', nonce: 1 }).unit).toBe('one')
  const put: Step = {
    ...{ kind: StepKind.put, cache: counters, key: 'x' },
    value: { id: 'x', n: 1 },
  }
  const take: Step = {
    ...{ kind: StepKind.increment, cache: counters, key: 'x', field: 'n', by: -5 },
    ...{ min: 0, max: undefined, initial: undefined, expected: undefined, otherwise: 'none_left' },
  }
  const nothing = { reads: [], ranges: [], events: [], notBefore: 0 }
  const stale = [{ cache: counters, key: 'x', version: 77 }]
  const frame = {
    ...{ kind: FrameKind.transactions, origin: 1, id: 1, previous: 0, deadline: 90, parts: 0 },
    transactions: [
      { ...nothing, number: 1, steps: [put], command: 'put' },
      { ...nothing, number: 2, steps: [put], reads: stale, command: 'again' },
      { ...nothing, number: 3, steps: [take], command: 'take' },
    ],
  } as const
  expect(meld(frame).transactions).toMatchObject([
    { command: 'put', outcome: 'applied', changes: [{ entry: 'counters/x', from: undefined }] },
    { outcome: 'collided', because: 'counters/x has changed since it was read', changes: [] },
    { outcome: 'refused', because: expect.stringMatching(/^none_left /), changes: [] },
  ])
  expect(meld(frame).ignored).toBe('it follows frame 0 of its origin, and the last one was 1')
  expect(meld({ ...frame, id: 2, previous: 1, deadline: 2 }).ignored).toBe('it was to land by 2')
  expect(meld({ ...frame, origin: 9 }).ignored).toMatch(/^its origin 9 has left/)
})
