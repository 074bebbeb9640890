import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { alarmsOf } from './alarms.ts'
import type { Figures, Heard } from './heard.ts'
import type { Alarm, Point, SpaceView } from './snapshot.ts'
import { spaceView } from './space-view.ts'
import { heard, requests, told } from './test-support/told.ts'

const well = [
  heard(told('shop-1', 'processing-unit', { shop: { position: 10, lag: 0 } })),
  heard(
    told('data-pump', 'data-pump', { shop: { position: 10, lag: 0, published: 10 } as Figures }),
  ),
  heard(told('data-writer', 'data-writer', { shop: { position: 10 } })),
]
const quiet: Point = {
  ...{ at: 0, commands: 0, queries: 0, turnedAway: 0, p50Ms: null, p99Ms: null },
  ...{ toPump: 0, toWriter: 0, collisions: 0, units: 1 },
}

const alarms = (all: readonly Heard[], points: readonly Point[] = [quiet], spaces?: SpaceView[]) =>
  alarmsOf(all, spaces ?? [spaceView('shop', all)], points)

const unit = (figures: Figures, more: object = {}) =>
  heard(told('shop-1', 'processing-unit', { shop: { position: 10, ...figures } }, more))

const others = well.slice(1)
const memory = (usedBytes: number) => ({ memory: { usedBytes, budgetBytes: 100, full: [] } })
const audit = {
  ...{ drift: 1, position: 1, at: 1, comparisons: 1, entriesCompared: 0, entriesDifferent: 0 },
  ...{ diverged: 0, peers: [] },
}
const placement = {
  ...{ partitions: 2, copies: 2, members: [], moving: 0, missing: 0 },
  ...{ homes: ['shop-1', null], scarce: [1] },
}

test('a grid that is well has no alarms', () => {
  expect(alarms(well)).toEqual([])
})

const cases: readonly (readonly [name: string, all: readonly Heard[], id: string, bad: boolean])[] =
  [
    [
      'not ready',
      [unit({}, { ready: false, reasons: ['lagging'] }), ...others],
      'not-ready shop-1',
      true,
    ],
    [
      'loading',
      [unit({}, { ready: false, reasons: ['rehydrating from a peer'] }), ...others],
      'not-ready shop-1',
      false,
    ],
    [
      'gone',
      [heard(told('shop-1', 'processing-unit', { shop: {} }), undefined, true), ...others],
      'silent shop-1',
      true,
    ],
    ['no pump', [well[0]!, well[2]!], 'no-pump shop', true],
    ['no writer', [well[0]!, well[1]!], 'no-writer shop', true],
    ['different', [unit({ audit }), ...others], 'diverged shop-1 shop', true],
    ['lagging', [unit({ lag: 2000 }), ...others], 'lag shop-1 shop', false],
    ['filling up', [unit(memory(66)), ...others], 'memory shop-1', false],
    ['full', [unit(memory(76)), ...others], 'memory shop-1', true],
    ['a log that fills up', [unit({ logFilled: 0.7 }), ...others], 'log-filling shop', false],
    [
      'a change queue that is nearly full',
      [
        ...well.slice(0, 2),
        heard(told('data-writer', 'data-writer', { shop: { position: 10, logFilled: 0.9 } })),
      ],
      'log-filling shop',
      true,
    ],
    ['homeless', [unit({}, { placement: { shop: placement } }), ...others], 'homeless shop', true],
    [
      'scarce',
      [unit({}, { placement: { shop: { ...placement, homes: ['a', 'b'] } } }), ...others],
      'scarce shop',
      false,
    ],
    [
      'no room',
      [unit({}, { placement: { shop: { ...placement, homes: ['a'], missing: 1 } } }), ...others],
      'missing shop',
      false,
    ],
    [
      'a wrong clock',
      [unit({ clock: { differenceMs: -9000, jumps: 0 } }), ...others],
      'clock shop-1',
      false,
    ],
    [
      'quarantine',
      [
        well[0]!,
        well[1]!,
        heard(told('data-writer', 'data-writer', { shop: { position: 10, quarantined: 2 } })),
      ],
      'quarantine shop',
      true,
    ],
  ]

test.each(cases)('%s', (_name, all, id, bad) => {
  const found = alarms(all).find((alarm) => alarm.id === id) as Alarm
  expect(found).toMatchObject({ level: bad ? 'bad' : 'warn' })
  expect(found.text.length).toBeGreaterThan(10)
  expect(found.advice.length).toBeGreaterThan(10)
})

test('the worst comes first', () => {
  const [first, second] = alarms([unit({ lag: 2000 }), well[1]!])
  expect([first?.level, second?.level]).toEqual(['bad', 'warn'])
})

test('who turns commands away is told by share, and a full log in words', () => {
  const later = requests('shop', [50, 0, 50], { ok: 50, overloaded: 40, log_full: 10 })
  const before = requests('shop', [0, 0, 0], {})
  const shop = { shop: { position: 10, logFilled: 1 } }
  const busy = heard(
    told('shop-1', 'processing-unit', shop, { requests: later }),
    told('shop-1', 'processing-unit', shop, { requests: before }),
  )
  const found = alarms([busy, ...others])
  expect(found.map(({ id }) => id)).toEqual(['log-full shop', 'shedding shop'])
  expect(found[1]?.text).toContain('40 %')
})

test('the store is behind only when it has been so for a while', () => {
  const behind = [
    unit({ position: 9000 }),
    heard(told('data-pump', 'data-pump', { shop: { position: 9000, published: 9000 } as Figures })),
    well[2]!,
  ]
  const late = { ...quiet, toWriter: 9000 }
  const ids = (points: readonly Point[]) => alarms(behind, points).map(({ id }) => id)
  expect(ids([quiet, late, late])).toEqual([])
  expect(ids(Array.from({ length: 10 }, () => late))).toEqual(['writer-behind shop'])
})

/** As GitHub makes them of headings. */
const anchorsIn = (page: string) =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )

test('what an alarm leads to is in the documentation', () => {
  const source = readFileSync(new URL('./alarms.ts', import.meta.url), 'utf8')
  const links = [...source.matchAll(/doc: '([^'#]+)#([^']+)'/g)]
  expect(links.length).toBeGreaterThan(10)
  for (const [, page, anchor] of links) {
    const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8')
    expect(anchorsIn(text), page).toContain(anchor)
  }
})
