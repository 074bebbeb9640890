import { describe, expect, test } from 'vitest'
import type { GridError } from '../core/errors.ts'
import type { Log, LogListener, LogRecord } from '../engine/ports/log.ts'

export interface LogConformanceSubject {
  readonly log: Log
  /** Lets the log run full. */
  fill(): Promise<void>
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (record: LogRecord | undefined): string | undefined =>
  record && new TextDecoder().decode(record.data)

/** A tail that keeps what it sees, and can be waited for. */
export function follow(log: Log, after: number, timeSeen?: number) {
  const records: LogRecord[] = []
  let failure: Error | undefined
  let wake = () => {}
  const listener: LogListener = {
    record(record) {
      records.push(record)
      wake()
    },
    broken(error) {
      failure = error
      wake()
    },
  }
  const tail = log.tail(after, listener, timeSeen)
  const until = async (done: () => boolean) => {
    while (!done())
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  return {
    records,
    stop: () => tail.stop(),
    /** Waits for the record at `position` and returns what was seen so far. */
    reached: async (position: number): Promise<(string | undefined)[]> => {
      await until(() => records.at(-1)?.position === position)
      expect(records.map((record) => record.position)).toEqual(
        records.map((_, index) => after + 1 + index),
      )
      return records.map(text)
    },
    broken: async (): Promise<GridError> => {
      await until(() => failure !== undefined)
      return failure as GridError
    },
  }
}

/**
 * What every adapter of the `Log` port must do; each adapter's test calls it with a fresh, empty
 * log.
 */
export function describeLogConformance(
  name: string,
  create: () => Promise<LogConformanceSubject>,
): void {
  const withLog =
    (check: (log: Log, subject: LogConformanceSubject) => Promise<void>) => async () => {
      const subject = await create()
      try {
        await check(subject.log, subject)
      } finally {
        await subject.close()
      }
    }
  const appendAll = (log: Log, texts: readonly string[]) =>
    Promise.all(texts.map((text) => log.append(bytes(text))))

  describe(`${name} keeps the promises of the Log port`, () => {
    test(
      'concurrent appends get consecutive positions, in the order of the calls',
      withLog(async (log) => {
        expect(await appendAll(log, ['a', 'b', 'c'])).toEqual([1, 2, 3])
        expect(await log.append(bytes('d'))).toBe(4)
        expect(text(await log.read(3))).toBe('c')
        expect(await log.read(5)).toBeUndefined()
        expect(await log.read(0)).toBeUndefined()
      }),
    )

    test(
      'an expected last position fences off whoever has missed an append',
      withLog(async (log) => {
        expect(await log.append(bytes('a'), { expectedLast: 0 })).toBe(1)
        await expect(log.append(bytes('b'), { expectedLast: 0 })).rejects.toMatchObject({
          code: 'fenced',
        })
        const outcomes = await Promise.allSettled(
          ['x', 'y', 'z'].map((text) => log.append(bytes(text), { expectedLast: 1 })),
        )
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        expect((await log.bounds()).last).toBe(2)
      }),
    )

    test(
      'a record above the limit is refused and leaves no trace',
      withLog(async (log) => {
        const large = new Uint8Array(log.recordBytesMax + 1)
        await expect(log.append(large)).rejects.toMatchObject({ code: 'record_too_large' })
        expect(await log.append(large.subarray(1))).toBe(1)
        expect((await log.read(1))?.data).toHaveLength(log.recordBytesMax)
      }),
    )

    test(
      'a full log refuses records and keeps those it has',
      withLog(async (log, subject) => {
        const position = await log.append(bytes('kept'))
        await subject.fill()
        const { last } = await log.bounds()
        const one = new Uint8Array(log.recordBytesMax)
        await expect(log.append(one)).rejects.toMatchObject({ code: 'log_full' })
        expect((await log.bounds()).last).toBe(last)
        expect(text(await log.read(position))).toBe('kept')
      }),
    )

    test(
      'several tails see every record once and in order, from wherever they begin',
      withLog(async (log) => {
        await appendAll(log, ['a', 'b'])
        const tails = [follow(log, 0), follow(log, 1), follow(log, 2)]
        await appendAll(log, ['c', 'd'])
        expect(await tails[0]?.reached(4)).toEqual(['a', 'b', 'c', 'd'])
        expect(await tails[1]?.reached(4)).toEqual(['b', 'c', 'd'])
        expect(await tails[2]?.reached(4)).toEqual(['c', 'd'])
        await Promise.all(tails.map((tail) => tail.stop()))
      }),
    )

    test(
      'a tail that begins far back catches up while appends go on',
      withLog(async (log) => {
        const texts = Array.from({ length: 600 }, (_, number) => `record ${number}`)
        await appendAll(log, texts.slice(0, 300))
        const tail = follow(log, 0)
        for (let at = 300; at < 600; at += 20) await appendAll(log, texts.slice(at, at + 20))
        expect(await tail.reached(600)).toEqual(texts)
        await tail.stop()
      }),
    )

    test(
      'a stopped tail sees nothing more',
      withLog(async (log) => {
        const stopped = follow(log, 0)
        const other = follow(log, 0)
        await log.append(bytes('a'))
        await stopped.reached(1)
        await stopped.stop()
        await log.append(bytes('b'))
        await other.reached(2)
        expect(stopped.records).toHaveLength(1)
        await other.stop()
      }),
    )

    test(
      'trimming drops everything below a position and nothing else, however often',
      withLog(async (log) => {
        const { identity, ...empty } = await log.bounds()
        expect(empty).toEqual({ first: 1, last: 0, bytes: 0 })
        await appendAll(log, ['a', 'b', 'c', 'd'])
        const { bytes: all = 0 } = await log.bounds()
        expect(all).toBeGreaterThanOrEqual(4)
        for (let times = 0; times < 2; times++) {
          await log.trim(3)
          expect(await log.bounds()).toEqual({ identity, first: 3, last: 4, bytes: all / 2 })
        }
        await log.trim(1)
        expect(await log.read(2)).toBeUndefined()
        expect(text(await log.read(3))).toBe('c')
        await log.trim(5)
        expect(await log.bounds()).toEqual({ identity, first: 5, last: 4, bytes: 0 })
        expect(await log.append(bytes('e'))).toBe(5)
      }),
    )

    test(
      'a tail whose next position has been trimmed, or was never stored, is broken',
      withLog(async (log) => {
        await appendAll(log, ['a', 'b', 'c'])
        await log.trim(3)
        expect((await follow(log, 0).broken()).code).toBe('log_trimmed')
        expect((await follow(log, 4).broken()).code).toBe('log_replaced')
        expect(await follow(log, 2).reached(3)).toEqual(['c'])
      }),
    )

    test(
      'a tail goes on behind the record that was seen, and behind no other one in its place',
      withLog(async (log) => {
        await appendAll(log, ['a', 'b', 'c'])
        const { time } = (await log.read(2)) as LogRecord
        expect(await follow(log, 2, time).reached(3)).toEqual(['c'])
        expect((await follow(log, 2, time - 1).broken()).code).toBe('log_replaced')
        await log.trim(3)
        // Nobody can tell any more.
        expect(await follow(log, 2, time).reached(3)).toEqual(['c'])
      }),
    )
  })
}
