import { processIn } from '@spacegrid/console/status-collector'
import { readKept } from '@spacegrid/deployment-manager/journal'
import { readHeld } from '@spacegrid/deployment-manager/lease/lease'
import { cursorOf, placeOf } from '@spacegrid/grid/core/page-cursor'
import { readPosition } from '@spacegrid/grid/core/position'
import { askedOf } from '@spacegrid/grid/doors/nats/line-services'
import { readReports } from '@spacegrid/grid/doors/request/admission-reports'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import { LinePasses } from '@spacegrid/grid/doors/request/line-passes'
import { traceOf } from '@spacegrid/grid/doors/request/trace'
import { cachesIn } from '@spacegrid/runtime/live/live-hints'
import { readLook, writeLook } from '@spacegrid/runtime/partitions/passed-look'
import fc from 'fast-check'

/** What reads a text that may come from anybody. */
export interface TextReader {
  /** Of the file, and the function in it. */
  readonly of: string
  readonly valid: fc.Arbitrary<string>
  /** undefined, or what stands for it: it is nothing. */
  read(text: string): unknown
  /** Codes of what it may throw. */
  readonly codes: readonly string[]
}

const count = fc.nat({ max: 1000 })
const list = { cache: 'items', index: 'byGroup', fields: ['group', 'size'], reverse: false }
const passes = new LinePasses(['a secret of thirty-two characters'])
const pass = { line: 'shop', lane: 'all', id: 7, until: 1e13 }
const json = <T>(valid: fc.Arbitrary<T>) => valid.map((it) => JSON.stringify(it))
const bytesOf = (text: string) => Buffer.from(text)

const process = fc.record({
  ...{ unit: fc.string(), role: fc.constant('unit'), ready: fc.boolean() },
  ...{ reasons: fc.array(fc.string()), wishes: fc.array(fc.string()), spaces: fc.constant({}) },
})
const decision = fc.record({
  ...{ at: count, by: fc.string(), action: fc.constant('up'), cause: fc.constant('work') },
  ...{ from: count, to: count, why: fc.string() },
})

export const textReaders: readonly TextReader[] = [
  {
    of: 'core/page-cursor placeOf',
    valid: fc
      .record({ values: fc.tuple(fc.string(), count), key: fc.string(), partition: count })
      .map((place) => cursorOf(list, place)),
    read: (text) => placeOf(list, text),
    codes: ['invalid_input'],
  },
  {
    of: 'core/position readPosition',
    valid: fc.oneof(count.map(String), fc.constantFrom('7.1234', '3.1200-7.88')),
    read: readPosition,
    codes: [],
  },
  {
    of: 'request/json-input parseJsonInput',
    valid: json(fc.record({ id: fc.string(), size: count, tags: fc.array(fc.string()) })),
    read: (text) => parseJsonInput(bytesOf(text)),
    codes: ['invalid_json', 'invalid_input'],
  },
  {
    of: 'request/admission-reports readReports',
    valid: json(
      fc.array(
        fc.record({
          ...{ line: fc.constant('shop'), committed: count, shed: count },
          finished: fc.array(fc.constant('all/7')),
        }),
      ),
    ),
    read: (text) => readReports(bytesOf(text)),
    codes: ['invalid_json', 'invalid_input'],
  },
  {
    of: 'nats/line-services askedOf',
    valid: json(fc.record({ line: fc.string(), lane: fc.string() })),
    read: (text) => askedOf(bytesOf(text)),
    codes: ['invalid_json', 'invalid_input'],
  },
  {
    of: 'request/line-passes LinePasses.read, a ticket',
    valid: fc.constant(passes.sign('ticket', pass)),
    read: (text) => {
      const read = passes.read('ticket', text, 0)
      return typeof read === 'string' ? undefined : read
    },
    codes: [],
  },
  {
    of: 'request/line-passes LinePasses.read, an admission',
    valid: fc.constant(passes.sign('admission', pass)),
    read: (text) => {
      const read = passes.read('admission', text, 0)
      return typeof read === 'string' ? undefined : read
    },
    codes: [],
  },
  {
    of: 'request/trace traceOf',
    valid: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    read: (text) => traceOf(text, text),
    codes: [],
  },
  {
    of: 'partitions/passed-look readLook',
    valid: fc.constant(writeLook({}, { after: undefined, withinMs: 1, isFirst: true })),
    read: readLook,
    codes: ['record_damaged'],
  },
  {
    of: 'live/live-hints cachesIn',
    valid: json(fc.array(fc.string())),
    read: (text) => cachesIn(bytesOf(text)),
    codes: [],
  },
  {
    of: 'lease/lease readHeld',
    valid: json(fc.record({ holder: fc.string(), term: count })),
    read: (text) => readHeld(bytesOf(text)),
    codes: [],
  },
  {
    of: 'deployment-manager/journal readKept',
    valid: json(fc.record({ decisions: fc.array(decision), spent: fc.constant({ a: 1 }) })),
    read: (text) => readKept(bytesOf(text)),
    codes: [],
  },
  {
    of: 'console/status-collector processIn',
    valid: json(process),
    read: (text) => processIn(bytesOf(text)),
    codes: [],
  },
]
