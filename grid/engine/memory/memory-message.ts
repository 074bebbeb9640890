import { packMessage, readTold } from '../wire/sealed-message.ts'

const memoryFormat = 1

/** What a process that works for a space tells of its memory, on `subjects.memory`. */
export interface MemoryTold {
  /** Unique: names may be given twice by mistake. */
  readonly id: number
  readonly name: string
  /** Such as `unit` or `pump`. */
  readonly role: string
  /** Share of the budget that is used. */
  readonly share: number
  /** It is near its budget: nothing is to be added. */
  readonly full: boolean
}

export const encodeMemoryTold = ({ id, name, role, share, full }: MemoryTold): Uint8Array =>
  packMessage(memoryFormat, [id, name, role, share, full])

/** undefined: no such message, as `readTold` has it. */
export const decodeMemoryTold = (data: Uint8Array): MemoryTold | undefined =>
  readTold(memoryFormat, data, readMemory)

function readMemory(fields: unknown): MemoryTold | undefined {
  if (!Array.isArray(fields)) return undefined
  const [id, name, role, share, full] = fields as unknown[]
  if (!Number.isSafeInteger(id) || typeof share !== 'number' || !(share >= 0)) return undefined
  if (typeof name !== 'string' || typeof role !== 'string' || typeof full !== 'boolean')
    return undefined
  return { id: id as number, name, role, share, full }
}
