import { join } from 'node:path'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { type Fault, FaultPlan } from '../chaos/fault-plan.ts'
import { victimsOf } from '../chaos/victim.ts'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { judgeTransfers, sumOf, type TransferFindings } from './judge-transfers.ts'
import { storedAccounts } from './stored-accounts.ts'
import { Tellers, type TellersOptions } from './tellers.ts'

export interface TransferRunOptions extends TellersOptions {
  readonly units: number
  readonly partitions: number
  /** Pumps, writers and readers of each. */
  readonly copies: number
  /** Ends earlier when this is over, ms; what was done by then is judged. */
  readonly msMax: number
  /** From one fault to the next at the most, ms; an eighth of it at least. */
  readonly cycleMsMax: number
  /** Data and logs. */
  readonly folder: string
  readonly told?: (fault: Fault, acknowledged: number) => void
  /** Ends the transfers early. */
  readonly signal?: AbortSignal
}

export interface TransferSummary {
  readonly acknowledged: number
  readonly refused: number
  readonly unknown: number
  readonly seconds: number
  readonly silenceMsMax: number
  readonly sum: { readonly opened: number; readonly units: number; readonly mongodb: number }
  readonly kills: ReadonlyMap<string, number>
  readonly pauses: ReadonlyMap<string, number>
  /** Requests sent again, by reason. */
  readonly retried: ReadonlyMap<string, number>
  readonly findings: TransferFindings
}

const space = 'transfers'
/** Of each partition. */
const kept = 2
const pauseShare = 0.25
/** Up to longer than standbys and clients wait, so that others take over. */
const pauseMs = { min: 100, max: 5000, skew: 2 }
const settleMs = 180_000

/**
 * Transfers across the partitions of a real cluster while all of its processes are killed and
 * paused at random; then what is stored is compared with what was told.
 *
 * @throws Error when a process does not come back
 */
export async function runTransfers(options: TransferRunOptions): Promise<TransferSummary> {
  const { units, partitions, copies, seed, folder, msMax, signal, told } = options
  await using grid = await FaultGrid.start({
    ...{ units, copies, folder },
    application: {
      files: [join(import.meta.dirname, 'space.ts')],
      spaces: [space],
      partitions: { [space]: partitions },
    },
    environment: { PARTITIONS: String(partitions), COPIES: String(kept) },
  })
  const client = grid.client()
  const tellers = new Tellers(client, options)
  const victims = victimsOf(grid)
  const cycleMs = { min: options.cycleMsMax / 8, max: options.cycleMsMax }
  const plan = new FaultPlan(victims, { seed, pauseShare, pauseMs, cycleMs })
  const wrong: string[] = []
  await tellers.open()
  const ending = AbortSignal.any([AbortSignal.timeout(msMax), ...(signal ? [signal] : [])])
  const startedAt = performance.now()
  let isOver = false
  const working = tellers.work(ending).finally(() => {
    isOver = true
  })
  while (!isOver) {
    const fault = await plan.cycle()
    told?.(fault, tellers.acknowledged)
  }
  await plan.recovered()
  await working
  const seconds = (performance.now() - startedAt) / 1000
  for (const { settings, ended } of grid.cluster.components)
    if (ended !== undefined) wrong.push(`${settings.name} has ended by itself: ${ended}`)
  wrong.push(...tellers.bugs)
  const { nats, mongodb, redis } = grid.cluster.urls
  // Values of every copy in every unit, of the pumps, of MongoDB and of the warm image.
  for (let partition = 0; partition < partitions; partition++) {
    const logName = logNameOf(space, partition)
    const problems = await auditCopies({ nats, mongodb, redis }, logName, kept, settleMs)
    wrong.push(...problems.map((problem) => `partition ${partition}: ${problem}`))
  }
  const stored = await storedAccounts(mongodb)
  const found = judgeTransfers(tellers.done, tellers.opened, stored)
  const opened = sumOf(tellers.opened)
  const latest = { 'grid-consistency': 'latest' }
  const totals = await client.untilAnswered(
    () => client.query(space, 'totals', {}, latest),
    settleMs,
  )
  await client.close()
  const { balance = Number.NaN, movements } = totals?.body.result ?? {}
  if (balance !== opened || movements !== stored.movements.size)
    wrong.push(
      `the units say ${balance} in ${movements} movements, there are ${opened} in ${stored.movements.size}`,
    )
  const count = (wanted: string) => tellers.done.filter(({ fate }) => fate === wanted).length
  return {
    acknowledged: count('done'),
    refused: count('refused'),
    unknown: count('unknown'),
    seconds,
    silenceMsMax: tellers.silenceMsMax,
    sum: { opened, units: Number(balance), mongodb: sumOf(stored.balances) },
    kills: plan.kills,
    pauses: plan.pauses,
    retried: client.retried,
    findings: { ...found, wrong: [...wrong, ...found.wrong] },
  }
}
