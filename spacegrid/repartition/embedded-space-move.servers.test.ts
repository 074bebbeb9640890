import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { logNamesOf } from '@spacegrid/grid/core/log-name'
import { withPartitions } from '@spacegrid/grid/core/repartition'
import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import { EmbeddedMove } from '@spacegrid/grid/drivers/embedded/embedded-move'
import { bank } from '@spacegrid/proof/support/bank-space'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, test } from 'vitest'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { spacegridProgram } from '../own-program.ts'
import { EmbeddedSpaceMove } from './embedded-space-move.ts'

const file = fileURLToPath(new URL('../../proof/support/bank-space.ts', import.meta.url))
const accounts = Array.from({ length: 30 }, (_, at) => `account-${at}`)
const nothing = () => undefined

async function started(folder: string, partitions: number) {
  const grid = new EmbeddedGrid([withPartitions(bank, partitions)], {
    dataDirectory: folder,
    unitsPerSpace: 1,
  })
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid', timeoutMs: 60_000 })
  const [unit] = grid.serving
  if (!unit) throw new Error('there is no unit')
  return { grid, unit }
}

type Unit = Awaited<ReturnType<typeof started>>['unit']
const keyOf = (account: string) => ({ idempotencyKey: `deposit ${account}` })

/** Each account gets 100, in a command of its own with a key; stopped at once. */
async function filled(folder: string, partitions: number) {
  const { grid, unit } = await started(folder, partitions)
  const receipts = new Map<string, string>()
  for (const account of accounts) {
    const { result } = await unit.execute('deposit', { account, sum: 100 }, keyOf(account))
    receipts.set(account, (result as { receipt: string }).receipt)
  }
  await unit.execute('equip', { branch: 'north', drawers: 2500 })
  for (const at of [0, 1, 2, 3])
    await unit.execute('transfer', { from: accounts[at], to: accounts[at + 9], sum: 30 })
  await grid.stop()
  return receipts
}

/** Everything that was done is there, once, and is found where it belongs. */
async function checkAll(unit: Unit, receipts: ReadonlyMap<string, string>): Promise<void> {
  const { result } = await unit.query('totals', {}, { latest: true })
  expect(result).toEqual({ sum: 3000, accounts: 30, receipts: 38, drawers: 2500 })
  for (const [at, account] of accounts.entries()) {
    const sum = at < 4 ? 70 : at >= 9 && at < 13 ? 130 : 100
    expect((await unit.query('balance', { account })).result).toEqual({ sum })
    const receipt = receipts.get(account)
    expect((await unit.query('receipt', { receipt })).result).toMatchObject({ account, sum: 100 })
    const again = await unit.execute('deposit', { account, sum: 100 }, keyOf(account))
    expect(again).toMatchObject({ replayed: true, result: { receipt } })
  }
}

async function checkFolder(
  folder: string,
  partitions: number,
  receipts: ReadonlyMap<string, string>,
): Promise<void> {
  const { grid, unit } = await started(folder, partitions)
  await checkAll(unit, receipts)
  const one = await unit.execute('deposit', { account: 'account-0', sum: 1 })
  await unit.execute('deposit', { account: 'account-0', sum: -1 }, { acknowledge: 'persisted' })
  await grid.stop()
  expect(one.result).toMatchObject({ sum: 71 })
}

const repartition = (folder: string, to: number, ...options: string[]) =>
  spacegridCommand(['repartition', file, '--partitions', `${to}`, ...options], {
    environment: { DATA_DIR: folder, PARTITIONS: `${to}` },
  })

/** Why a grid with this number of partitions does not start. */
async function refusal(folder: string, partitions: number): Promise<string> {
  let why = ''
  await waitFor(
    () => {
      try {
        new EmbeddedGrid([withPartitions(bank, partitions)], { dataDirectory: folder })
        return false
      } catch (error) {
        why = (error as Error).message
        // The one before is still letting go of it.
        return !why.includes('in use')
      }
    },
    { what: 'the grid to be refused' },
  )
  return why
}

const logsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith('-log.mdb')).sort()

test('an embedded grid goes to several partitions, to more, to fewer and back to one, with all it has', {
  timeout: 180_000,
}, async () => {
  const folder = await temporaryFolder('repartition')
  const receipts = await filled(folder, 1)
  const shown = await repartition(folder, 4, '--dry-run', '--json')
  expect(shown).toMatchObject({ code: 0, errors: '' })
  expect(JSON.parse(shown.output)).toMatchObject({ from: 1, to: 4, goesOn: false })
  expect(await repartition(folder, 4)).toMatchObject({
    code: 1,
    errors: expect.stringContaining('Nothing has been done'),
  })
  expect(await logsIn(folder)).toEqual(['bank-log.mdb'])
  for (const to of [4, 6, 1]) {
    const done = await repartition(folder, to, '--yes')
    expect(done).toMatchObject({ code: 0, output: expect.stringContaining('and start it') })
    expect(await logsIn(folder)).toEqual(
      logNamesOf('bank', to).map((logName) => `${logName}-log.mdb`),
    )
    const { grid, unit } = await started(folder, to)
    const { result } = await unit.query('totals', {}, { latest: true })
    expect(result).toEqual({ sum: 3000, accounts: 30, receipts: 38, drawers: 2500 })
    await checkAll(unit, receipts)
    await grid.stop()
  }
  expect(await repartition(folder, 1, '--yes')).toMatchObject({
    code: 0,
    output: expect.stringContaining('Nothing to do'),
  })
})

test('a grid with another number than what is kept is not begun with, and says what to do', async () => {
  const folder = await temporaryFolder('repartition')
  const receipts = await filled(folder, 2)
  for (const other of [1, 3])
    expect(await refusal(folder, other)).toContain(
      `npx spacegrid repartition --partitions ${other}`,
    )
  const { grid, unit } = await started(folder, 2)
  expect(await repartition(folder, 3, '--dry-run')).toMatchObject({
    code: 2,
    errors: expect.stringMatching(/in use by process/),
  })
  await checkAll(unit, receipts)
  await grid.stop()
})

/** What was done of a move when its process was killed. */
type Killed = (folder: string, move: EmbeddedSpaceMove) => Promise<unknown>

async function begun(folder: string, to: number): Promise<EmbeddedSpaceMove> {
  const move = new EmbeddedSpaceMove('bank', folder)
  const plan = await move.plan(bank, to, nothing)
  await move.close()
  if (!plan) throw new Error('there is nothing to do')
  const { from, after, replicated, counts } = plan.record
  const environment = new EmbeddedEnvironment(folder)
  const entries = new EmbeddedMove('bank', environment)
  entries.move({ from, to, after, replicated, counts }, nothing)
  await entries.close()
  await environment.close()
  return move
}

const killedAt: Readonly<Record<string, Killed>> = {
  'before any log is made': async () => undefined,
  'between two logs': async (_, move) => {
    const plan = await move.plan(bank, 5, nothing)
    const isHalf = (what: string, count: number) => what === 'making logs' && count === 2
    await move
      .carryOut(plan!, (what, count) => {
        if (isHalf(what, count)) throw new Error('killed')
      })
      .catch(nothing)
  },
}

test.each(Object.keys(killedAt))(
  'a move that was killed %s goes on and ends the same',
  {
    timeout: 60_000,
  },
  async (when) => {
    const folder = await temporaryFolder('repartition')
    const receipts = await filled(folder, 2)
    const move = await begun(folder, 5)
    await killedAt[when]?.(folder, move)
    await move.close()
    for (const number of [2, 5])
      expect(await refusal(folder, number)).toContain('npx spacegrid repartition --partitions 5')
    await expect(move.plan(bank, 4, nothing)).rejects.toThrow('--partitions 5')
    const plan = await move.plan(bank, 5, nothing)
    expect(plan).toMatchObject({ goesOn: true })
    await move.carryOut(plan!, nothing)
    await move.close()
    await checkFolder(folder, 5, receipts)
  },
)

test('the command, killed -9 again and again, ends the same', { timeout: 180_000 }, async () => {
  const before = await temporaryFolder('repartition')
  const receipts = await filled(before, 1)
  for (const afterMs of [400, 800, 1200]) {
    const folder = await temporaryFolder('repartition')
    await cp(before, folder, { recursive: true })
    const words = ['repartition', file, '--partitions', '4', '--yes']
    const child = spawn(process.execPath, [spacegridProgram, ...words], {
      env: { ...process.env, DATA_DIR: folder, PARTITIONS: '4', NATS_URL: '', MONGODB_URL: '' },
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    await Promise.race([ended, sleep(afterMs)])
    child.kill('SIGKILL')
    await ended
    expect(await repartition(folder, 4, '--yes')).toMatchObject({ code: 0 })
    await checkFolder(folder, 4, receipts)
  }
})

test('what is damaged, or is no folder of a grid, is refused in a sentence', async () => {
  const folder = await temporaryFolder('repartition')
  expect(await repartition(join(folder, 'none'), 4)).toMatchObject({
    code: 2,
    errors: expect.stringMatching(/There is no grid whose spaces could be moved/),
  })
  const { grid } = await started(folder, 1)
  await grid.stop()
  const move = new EmbeddedSpaceMove('other', folder)
  await expect(move.plan({ ...bank, name: 'other' }, 4, nothing)).rejects.toThrow('holds nothing')
  await move.close()
})
