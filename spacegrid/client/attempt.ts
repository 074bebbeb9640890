import { readPosition } from '@spacegrid/grid/core/position'
import type { Answer, Failed } from './answer.ts'
import type { TransportResponse } from './transport.ts'

/** What one attempt came to, and whether another one may help. */
export interface Attempt {
  readonly answer: Answer
  readonly retryable: boolean
  readonly retryAfterMs?: number | undefined
}

export function failed(reason: string, details: Partial<Failed> = {}): Failed {
  return { kind: 'failed', reason, outcomeUnknown: false, attempts: 1, ...details }
}

type Body = Readonly<Record<string, unknown>>

function bodyOf(text: string): Body {
  try {
    const body: unknown = JSON.parse(text)
    return isRecord(body) ? body : {}
  } catch {
    // A gateway's own error page is HTML: the status alone has to do.
    return {}
  }
}

const isRecord = (value: unknown): value is Body => typeof value === 'object' && value !== null

/**
 * Reads an answer as the HTTP contract means it; a gateway in between may add 502, 503 and 504 of
 * its own.
 */
export function attemptOf(
  { status, header, text }: TransportResponse,
  retryAfterMs: number | undefined,
): Attempt {
  const body = bodyOf(text)
  if (status === 200) return { answer: acceptedOf(body, header), retryable: false }
  const error = isRecord(body.error) ? body.error : body
  const code = typeof error.code === 'string' ? error.code : undefined
  const reason = code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`
  if (status === 409) {
    const rejection = typeof error.reason === 'string' ? error.reason : reason
    const { code: _, reason: __, ...details } = error
    return {
      answer: { kind: 'rejected', reason: rejection, details, attempts: 1 },
      retryable: false,
    }
  }
  const detail = typeof body.detail === 'string' ? body.detail : reason
  const problem = code === undefined ? {} : { problem: { code, detail, details: error } }
  if (status === 503 || status === 429) {
    const answer: Answer = { kind: 'shed', reason, ...problem, outcomeUnknown: false, attempts: 1 }
    return { answer, retryable: true, retryAfterMs }
  }
  const outcomeUnknown = status === 502 || status === 504 || status === 500
  const answer = failed(reason, { status, ...problem, outcomeUnknown })
  return { answer, retryable: status === 502 || status === 504, retryAfterMs }
}

function acceptedOf(body: Body, header: TransportResponse['header']): Answer {
  const { result, position, version } = body
  // An entry, or its history, is answered by itself.
  if (!Object.hasOwn(body, 'result'))
    return {
      kind: 'accepted',
      result: body,
      position: readPosition(header('grid-position') ?? '') ?? Number.NaN,
      attempts: 1,
    }
  return {
    kind: 'accepted',
    result,
    position: typeof position === 'string' ? position : Number(position),
    ...(typeof version === 'number' || typeof version === 'string' ? { version } : {}),
    ...(header('idempotency-replayed') === 'true' ? { replayed: true as const } : {}),
    attempts: 1,
  }
}
