import { expect, test } from 'vitest'
import { elleHistory } from './elle-history.ts'

test('events in their order; a client that does not know an outcome goes on as another one', () => {
  const text = elleHistory([
    { client: 1, steps: [{ key: 'a', append: 1 }], call: 0, outcome: 'unknown' },
    { client: 2, steps: [{ key: 'a', read: [1] }], call: 5, return: 9, outcome: 'ok' },
    { client: 1, steps: [{ key: 'a', append: 2 }], call: 1, return: 5, outcome: 'fail' },
  ])
  expect(text.trimEnd().split('\n')).toEqual([
    '{"index":0,"type":"invoke","process":1,"value":[["append","a",1]]}',
    '{"index":1,"type":"invoke","process":3,"value":[["append","a",2]]}',
    '{"index":2,"type":"invoke","process":2,"value":[["r","a",null]]}',
    '{"index":3,"type":"fail","process":3,"value":[["append","a",2]]}',
    '{"index":4,"type":"ok","process":2,"value":[["r","a",[1]]]}',
    '{"index":5,"type":"info","process":1,"value":[["append","a",1]]}',
  ])
})
