import { describe, expect, it } from 'vitest'
import { readTrace, TraceError, traceSecondsMax } from './trace.ts'

const combined = (time: string) =>
  `203.0.113.7 - alice [${time}] "GET /tickets HTTP/1.1" 200 512 "https://example.org/" "Mozilla/5.0 [de]"`

describe('readTrace', () => {
  it('reads CSV with a heading, and fills gaps', async () => {
    const trace = await readTrace(['second,requests', '0,28', '1,33', '', '4,7'])
    expect(trace).toEqual({ requests: [28, 33, 0, 0, 7], format: 'csv', skippedLines: 0 })
  })

  it('reads CSV without a heading, with carriage returns, starting anywhere', async () => {
    const trace = await readTrace(['1000,1\r', '1001,2\r'])
    expect(trace.requests).toEqual([1, 2])
  })

  it('names the line of a CSV that cannot be read', async () => {
    await expect(readTrace(['second,requests', '0,28', '1,many'])).rejects.toThrow(
      new TraceError('line 3: expected second,requests as numbers, got: 1,many'),
    )
    await expect(readTrace(['0,1', '-1,1'])).rejects.toThrow(/line 2/)
    await expect(readTrace(['0,1', '1,1,1'])).rejects.toThrow(/line 2/)
  })

  it('counts the requests of a combined log per second, across time zones and out of order', async () => {
    const trace = await readTrace([
      combined('10/Oct/2021:13:55:36 -0700'),
      combined('10/Oct/2021:20:55:38 +0000'),
      combined('10/Oct/2021:22:55:36 +0200'),
    ])
    expect(trace).toEqual({ requests: [2, 0, 1], format: 'access log', skippedLines: 0 })
  })

  it('reads a common log across midnight', async () => {
    const common = (time: string) => `::1 - - [${time}] "GET / HTTP/1.0" 304 -`
    const trace = await readTrace([
      common('31/Dec/2021:23:59:59 +0000'),
      common('01/Jan/2022:00:00:01 +0000'),
    ])
    expect(trace.requests).toEqual([1, 0, 1])
  })

  it('leaves out a damaged line and says so', async () => {
    const good = Array.from({ length: 40 }, () => combined('10/Oct/2021:13:55:36 +0000'))
    const trace = await readTrace([...good, 'something else'])
    expect(trace).toEqual({ requests: [40], format: 'access log', skippedLines: 1 })
  })

  it('refuses what is no trace, and a time far from the others', async () => {
    await expect(readTrace([])).rejects.toThrow(/no arrivals/)
    await expect(readTrace(['hello', 'world'])).rejects.toThrow(/no arrivals/)
    const half = [combined('10/Oct/2021:13:55:36 +0000'), 'something else']
    await expect(readTrace(half)).rejects.toThrow(/1 of 2 lines/)
    await expect(readTrace(['0,1', `${traceSecondsMax},1`])).rejects.toThrow(/spans more/)
  })
})
