import { GridError } from '@spacegrid/grid/core/errors'
import { expect, test } from 'vitest'
import type { Caller } from '../caller.ts'
import { AccessTelemetry } from './access-telemetry.ts'
import { type AuditRecord, AuditTrail } from './audit-trail.ts'

const caller: Caller = {
  name: undefined,
  origin: { door: 'http', address: '10.0.0.7', credential: 'Bearer a-secret' },
}
const refusal = new GridError('unauthenticated', 'a secret', {
  details: { reason: 'expired', token: 'a-secret' },
})

function open() {
  let now = 1_700_000_000_000
  const records: AuditRecord[] = []
  const counts = new Map<string, number>()
  const trail = new AuditTrail(
    {
      now: () => now,
      write: (record) => records.push(record),
      telemetry: new AccessTelemetry({
        count: ({ name }, values) => ({
          add: () => {
            const key = [name, ...values].join(' ')
            counts.set(key, (counts.get(key) ?? 0) + 1)
          },
        }),
        distribution: () => ({ observe: () => undefined }),
      }),
    },
    { perSecond: 2, atOnce: 3 },
  )
  return { trail, records, counts, pass: (ms: number) => (now += ms) }
}

test('of many refusals some are written down, all are counted, and the rest is told', () => {
  const { trail, records, counts, pass } = open()
  for (let at = 0; at < 100; at++) trail.refused(caller, 'a:command:b', refusal)
  expect(records).toHaveLength(3)
  pass(1000)
  for (let at = 0; at < 100; at++) trail.refused(caller, 'a:command:b', refusal)
  expect(records.slice(3)).toMatchObject([
    { kind: 'left_out', count: 97 },
    { kind: 'refusal' },
    { kind: 'refusal' },
  ])
  expect(counts).toEqual(
    new Map([
      ['spacegrid_refusals_total http unauthenticated', 200],
      ['spacegrid_audit_left_out_total', 195],
    ]),
  )
})

test('what operators do is written down whatever else happens', () => {
  const { trail, records } = open()
  for (let at = 0; at < 100; at++) {
    trail.refused(caller, 'a:command:b', refusal)
    trail.administered(caller, 'a:admin:correct', 'done')
  }
  expect(records.filter(({ kind }) => kind === 'administration')).toHaveLength(100)
})

test('a record holds nothing of what was sent', () => {
  const { trail, records } = open()
  trail.refused(caller, 'a:command:b', refusal)
  expect(records).toEqual([
    {
      ...{ time: '2023-11-14T22:13:20.000Z', kind: 'refusal', what: 'a:command:b', door: 'http' },
      ...{ address: '10.0.0.7', outcome: 'unauthenticated', reason: 'expired' },
    },
  ])
})
