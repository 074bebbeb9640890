import type { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { seal, sealedBody, sealedFormat } from '../../wire/seal.ts'

/**
 * Damages one replica: of everything it melds from now on, `text` becomes `instead` (of the same
 * length). What was a key makes another entry, what was in a value another value of the same
 * version. Whole as it looks: its checksum is made anew. Returns the function that ends it.
 */
export function damage(log: SimulatedLog, text: string, instead: string): () => void {
  if (text.length !== instead.length) throw new Error('the damage must not change any length')
  log.seen = (record) => {
    const data = Buffer.from(record.data)
    const format = sealedFormat(data)
    for (let at = data.indexOf(text); at >= 0; at = data.indexOf(text, at)) data.write(instead, at)
    // As if it had happened behind the check: in the memory of that one replica.
    return { ...record, data: format === undefined ? data : seal(format, sealedBody(data)) }
  }
  return () => {
    log.seen = (record) => record
  }
}
