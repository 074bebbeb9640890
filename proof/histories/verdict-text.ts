import { counted } from '../chaos/fault-plan.ts'
import type { HistorySummary } from './history-run.ts'
import type { HistoryVerdict } from './judge-history.ts'

/** Findings shown of each kind; all of them would bury the first. */
const shownMax = 10

interface HasOutcome {
  readonly outcome: 'ok' | 'fail' | 'unknown'
}

/** What was seen, and what was done meanwhile. */
export function summaryText({ record, kills, pauses, retried, bugs }: HistorySummary): string {
  return lines(
    `operations    ${outcomes([...record.registers, ...record.lists])}`,
    `  registers   ${outcomes(record.registers)}`,
    `  lists       ${outcomes(record.lists)}`,
    `killed        ${counted(kills)}`,
    `paused        ${counted(pauses)}`,
    `silence       ${(record.silenceMsMax / 1000).toFixed(1)} s at the longest, in which nobody was answered`,
    `sent again    ${counted(retried)}`,
    ...bugs.slice(0, shownMax).map((bug) => `wrong         ${bug}`),
  )
}

export function verdictText({ registers, lists }: HistoryVerdict): string {
  return lines(
    `registers     ${registers.verdict}: ${registers.operations} operations on ${registers.keys} keys, ${registers.unknown} of unknown outcome (porcupine)`,
    ...registers.findings
      .slice(0, shownMax)
      .map(
        ({ key, operations }) =>
          `  ${key}: no order of these explains what was told\n${operations.map((one) => `    ${JSON.stringify(one)}`).join('\n')}`,
      ),
    ...(registers.undecided.length > 0
      ? [`  the time was not enough for ${registers.undecided.join(', ')}`]
      : []),
    `lists         ${lists.verdict}: ${lists.transactions} transactions over ${lists.keys} keys, ${lists.unknown} of unknown outcome`,
    ...lists.findings
      .slice(0, shownMax)
      .map(({ anomaly, because }) => `  ${anomaly}: ${because.join('; ')}`),
    ...(lists.findings.length > shownMax ? [`  and ${lists.findings.length - shownMax} more`] : []),
  )
}

function outcomes(all: readonly HasOutcome[]): string {
  const count = (wanted: HasOutcome['outcome']) =>
    all.filter(({ outcome }) => outcome === wanted).length
  return `${all.length}: ${count('ok')} ok, ${count('fail')} failed, ${count('unknown')} unknown`
}

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('')
