import type { HistoryRecord } from './history-record.ts'
import { judgeRegisters, type RegisterVerdict } from './linearizable/judge-registers.ts'
import { judgeLists, type ListVerdict } from './serializable/judge-lists.ts'

export interface HistoryVerdict {
  readonly registers: RegisterVerdict
  readonly lists: ListVerdict
  readonly isGood: boolean
}

export async function judgeHistory(record: HistoryRecord): Promise<HistoryVerdict> {
  const registers = await judgeRegisters(record.registers)
  const lists = judgeLists(record.lists)
  // Of what was never answered nothing can be wrong.
  const isSaying = [...record.registers, ...record.lists].some(({ outcome }) => outcome === 'ok')
  const isGood =
    isSaying && registers.verdict === 'linearizable' && lists.verdict === 'strictly serializable'
  return { registers, lists, isGood }
}
