import { GridError, isGridError } from '../../core/errors.ts'
import { checkedList } from '../wire/checked.ts'
import { packMessage, unpackMessage } from '../wire/sealed-message.ts'
import type { AuditMessage } from './audit-message.ts'
import { isAuditMessage } from './audit-message-check.ts'

/**
 * Names what a digest and a fingerprint are computed of, and how. Programs of different formats
 * pass over each other's messages.
 */
const auditFormat = 2

/** `logIdentity`: positions mean something in one log only. */
export const encodeAuditMessage = (logIdentity: string, message: AuditMessage): Uint8Array =>
  packMessage(auditFormat, [logIdentity, message])

/**
 * undefined: of another format or another log. @throws GridError `record_damaged`: no such message
 * at all
 */
export function decodeAuditMessage(
  logIdentity: string,
  data: Uint8Array,
): AuditMessage | undefined {
  const found = decodeOfAnyLog(data)
  return found?.logIdentity === logIdentity ? found.message : undefined
}

/**
 * For those who come from outside and do not know the log yet. @throws GridError `record_damaged`
 */
export function decodeOfAnyLog(
  data: Uint8Array,
): { readonly logIdentity: string; readonly message: AuditMessage } | undefined {
  let packed: unknown
  try {
    packed = unpackMessage(auditFormat, data)
  } catch (error) {
    if (isGridError(error, 'format_unsupported')) return undefined
    throw error
  }
  const [logIdentity, message] = checkedList(packed)
  if (typeof logIdentity === 'string' && isAuditMessage(message)) return { logIdentity, message }
  throw new GridError('record_damaged', 'A message of the audit is none')
}
