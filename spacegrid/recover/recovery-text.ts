import type { LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Findings } from './findings.ts'
import type { LogPlan } from './log-recovery.ts'
import type { RecoveryNames } from './recovery-grid.ts'
import type { StorePlan } from './store-recovery.ts'

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`

/** What is there, line by line. */
export function findingsText(findings: Findings, names: RecoveryNames): string {
  const { logName, checkpoint, log, newest, image, replicas, fault, queueFault } = findings
  const at = (position: number, identity: string) => `position ${position} of the log ${identity}`
  const lines = [
    `space         ${logName}`,
    `store         ${checkpoint ? `${names.store}: ${at(checkpoint.position, checkpoint.logIdentity)}, ${count(checkpoint.entries, 'entry').replace('entrys', 'entries')}` : `${names.store} holds nothing of it`}`,
    `log           ${log ? `${log.identity}: ${boundsText(log)}` : `there is no ${names.log(logName)}`}`,
    `change queue  ${newest ? `its last window ends at ${at(newest.to, newest.logIdentity)}` : 'no window'}`,
  ]
  if (image) lines.push(`warm image    ${at(image.position, image.logIdentity)}`)
  for (const { role, name, position, logIdentity } of replicas)
    lines.push(`${role.padEnd(13)} ${name}: ${at(position, logIdentity)}`)
  if (fault ?? queueFault) lines.push(`fault         ${fault ?? queueFault}`)
  return `${lines.join('\n')}\n`
}

const boundsText = ({ first, last }: LogBounds): string =>
  last < first ? `empty, goes on from ${first}` : `${first} to ${last}`

/** What a new log begins with, and what is lost, as far as anybody can know. */
export function logPlanText(plan: LogPlan, names: RecoveryNames): string {
  const { findings, kind, stored, queueTo, copy, counted, after, notes } = plan
  const { logName } = findings
  if (kind === 'queue')
    return listText([
      `log and store fit together; the change queue is of another log and is made anew`,
      'nothing is lost',
    ])
  const lines = [
    queueTo > stored.position &&
      `what the change queue has beyond the store, up to ${queueTo}, is stored first`,
    copy &&
      `what ${copy.from} has beyond that, up to ${copy.state.position}, is stored first: ${count(copy.state.entryCount, 'entry').replace('entrys', 'entries')} in all`,
    counted &&
      `the entries are taken as they are, though the checkpoint says otherwise: ${counted.entries} of them`,
    `a new ${names.log(logName)} goes on from what is stored; its first position will be ${after + 1}, so that no old one comes again`,
    `the change queue is made anew; a warm image is built anew by the data pump`,
    ...lossLines(plan),
    ...notes,
  ]
  return listText(lines.filter((line) => typeof line === 'string'))
}

function lossLines({ findings, savedTo, lastKnown, discarded, stored }: LogPlan): string[] {
  const { log } = findings
  const lines: string[] = []
  const lost = lastKnown.position - savedTo
  if (lost > 0)
    lines.push(
      `LOST: positions ${savedTo + 1} to ${lastKnown.position} of the old log (${count(lost, 'position')}, as ${lastKnown.by} tells): the commands in them were acknowledged, and nobody has them any more. A position holds up to 1,024 commands; a unit's start and its pauses take positions too`,
    )
  if (discarded && discarded.records > 0) {
    const whose =
      log?.identity === stored.logIdentity ? 'behind the store' : 'which belong to no store'
    lines.push(
      `LOST: the log that is there now, with ${count(discarded.records, 'record')} ${whose}: ${count(discarded.transactions, 'transaction')}`,
    )
  }
  lines.push(
    lost > 0 || (discarded?.transactions ?? 0) > 0
      ? `kept: everything up to position ${savedTo}`
      : `kept: everything up to position ${savedTo}, the last one that anything left tells of. Commands that were acknowledged later than that, if there were any, are lost: nothing that is left knows of them`,
  )
  return lines
}

/** The same for programs. */
export const logPlanData = (plan: LogPlan) => ({
  logName: plan.findings.logName,
  stored: plan.stored.position,
  saved: plan.savedTo,
  savedFrom: plan.copy?.from ?? (plan.queueTo > plan.stored.position ? 'change queue' : 'store'),
  lastKnown: plan.lastKnown,
  lostPositions: Math.max(0, plan.lastKnown.position - plan.savedTo),
  discarded: plan.discarded ?? { records: 0, transactions: 0 },
  firstPosition: plan.after + 1,
  notes: plan.notes,
})

export function storePlanText(
  { findings, copy, fault, isContinued, behind, notes }: StorePlan,
  names: RecoveryNames,
): string {
  const { logName } = findings
  return listText([
    `${names.store}: ${fault}`,
    `all of ${logName} is written there anew from ${copy.from}, which has it at position ${copy.state.position}: ${copy.state.entryCount} entries; what is there now goes, also what does not belong there`,
    'until that is done nobody reads what is stored and nobody else writes it: units that start meanwhile wait, or copy from one that runs',
    ...(behind > 0
      ? [`LOST: what only the store has: ${count(behind, 'position')} beyond that`]
      : ['nothing is lost']),
    ...(isContinued
      ? []
      : [
          `there is no log that goes on from there: afterwards npx spacegrid recover --from mongodb --space ${logName}`,
        ]),
    ...notes,
  ])
}

export const storePlanData = ({ findings, copy, fault, behind, notes }: StorePlan) => ({
  logName: findings.logName,
  fault,
  from: copy.from,
  position: copy.state.position,
  entries: copy.state.entryCount,
  lostPositions: behind,
  notes,
})

const listText = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('')
