import type { RateLimit } from '../doors/http/rate-limit.ts'

/** `100/1s`: a number of requests, and a time in `ms`, `s` or `m`. */
export const rateLimitPattern = '^[1-9][0-9]{0,8}/[1-9][0-9]{0,5}(?:ms|s|m)$'
const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/** Of a text that matches the pattern. */
export function rateLimitOf(text: string): RateLimit {
  const [, requests, time, unit = ''] = /^(\d+)\/(\d+)(\D+)$/.exec(text) ?? []
  return { requests: Number(requests), withinMs: Number(time) * (unitsMs[unit] ?? 1000) }
}
