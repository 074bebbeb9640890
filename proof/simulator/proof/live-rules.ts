import type { Rule } from './rule.ts'

const live = 'processing-units/runtime/live'
const feedTests = [`${live}/live-feed.test.ts`]

/** What is told as it happens: docs/decisions/0048 and 0049. It changes no data. */
export const liveRules: readonly Rule[] = [
  {
    name: 'live: who comes back is told nothing twice',
    file: `${live}/followed-part.ts`,
    find: 'if (comparePoints(point, after) > 0) {',
    replace: 'if (comparePoints(point, after) >= 0) {',
    tests: feedTests,
  },
  {
    name: 'live: what is cut at a limit goes on behind the last that was told',
    file: `${live}/followed-part.ts`,
    find: 'upTo: isAll ? { position: last.position } : last }',
    replace: 'upTo: { position: last.position } }',
    tests: feedTests,
  },
  {
    name: 'live: what is told from the log has its place there',
    file: `${live}/melded-again.ts`,
    find: 'happened.melding(position)',
    replace: 'happened.melding(position + 1)',
    tests: feedTests,
  },
  {
    name: 'live: who comes back for what is forgotten hears that it is gone',
    file: `${live}/live-feed.ts`,
    find: 'told === undefined ? position < recent.since : position <= recent.since',
    replace: 'told !== undefined && recent.since < 0 && position < 0',
    tests: feedTests,
  },
  {
    name: 'live: a reader that has been told more than the others is not told it again',
    file: 'grid/doors/events/event-channel.ts',
    find: 'if (ahead === undefined) this.deliver(reader, bytes)',
    replace: 'if (ahead === undefined || true) this.deliver(reader, bytes)',
    tests: ['grid/doors/events/space-events.test.ts'],
  },
  {
    name: 'live: an entry behind the limit of a range changes nothing, one before it does',
    file: 'grid/core/interests.ts',
    find: 'return range.reverse ? order >= 0 : order <= 0',
    replace: 'return range.reverse ? order > 0 : order < 0',
    tests: [`${live}/live-queries.test.ts`],
  },
  {
    name: 'live: what has been read anew is heard of, what has not is not',
    file: `${live}/live-queries.ts`,
    find: '      for (const other of others) interests.add(other, query)\n',
    replace: '',
    tests: [`${live}/live-queries.test.ts`],
  },
  {
    name: 'live: where the stream of published events ends, and with which event, is of one moment',
    file: 'data-pump/event-publisher.ts',
    find: 'const last = held?.number ?? found.last',
    replace: 'const last = found.last',
    tests: ['data-pump/event-publisher.test.ts'],
  },
]
