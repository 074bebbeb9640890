import { expect, onTestFinished, test } from 'vitest'
import type { Span, SpanStart, Tracing } from '../../engine/ports/tracing.ts'
import { openDoor } from '../http/test-support/open-door.ts'
import { RequestPipeline } from './request-pipeline.ts'
import { keepTraces, keptTraceOf, traceOf } from './trace.ts'

class ToldSpans implements Tracing {
  readonly told: (SpanStart & { readonly failed: string | undefined; outcome?: unknown })[] = []

  begin(start: SpanStart): Span {
    return {
      traceparent: start.own ?? '',
      end: (failed, attributes) => {
        this.told.push({ ...start, failed, outcome: attributes?.['spacegrid.outcome'] })
      },
    }
  }
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = `00-${traceId}-00f067aa0ba902b7-01`

function open() {
  const tracing = new ToldSpans()
  const door = openDoor({ pipeline: new RequestPipeline({ tracing }) })
  return { ...door, told: tracing.told }
}

test('a request in a trace that is kept is a span, with its outcome', async () => {
  const { command, get, told } = open()
  const { headers } = await command('putProduct', { id: 'a', price: 1 }, { traceparent: parent })
  await command('putProduct', { id: 'a' }, { traceparent: parent })
  await get('/shop/queries/product?id=a', { traceparent: parent })
  expect(told.map(({ name, parent: from, outcome }) => [name, from, outcome])).toEqual([
    ['command putProduct', parent, 'ok'],
    ['command putProduct', parent, 'invalid_input'],
    ['query product', parent, 'ok'],
  ])
  expect(told[0]?.own).toBe(headers.traceparent)
  expect(told[0]).toMatchObject({ kind: 'server' })
  // What the caller has done to be refused is no failure of the grid; a mistake inside is.
  await command('misbehave', { how: 'throw' }, { traceparent: parent })
  expect(told.map(({ failed }) => failed)).toEqual([
    ...[undefined, undefined, undefined, 'application_fault'],
  ])
})

test('others are none', async () => {
  const { command, told } = open()
  await command('putProduct', { id: 'a', price: 1 })
  await command('putProduct', { id: 'b', price: 1 }, { traceparent: parent.replace(/1$/, '0') })
  expect(told).toEqual([])
})

test('of traces that begin here a share is kept, the same ones everywhere', () => {
  onTestFinished(() => keepTraces(0))
  const kept = (share: number) => {
    keepTraces(share)
    const made = Array.from({ length: 4000 }, () => traceOf(undefined, undefined))
    return made.filter((trace) => keptTraceOf({ trace }) !== undefined).length
  }
  expect(kept(0)).toBe(0)
  expect(kept(1)).toBe(4000)
  // Of a fair coin, five hundred throws off the mean come once in 10^55 times.
  expect(kept(0.5)).toBeGreaterThan(1500)
  expect(kept(0.5)).toBeLessThan(2500)
  keepTraces(1)
  expect(traceOf(undefined, parent.replace(/1$/, '0')).traceparent.endsWith('-00')).toBe(true)
})
