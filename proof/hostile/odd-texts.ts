import fc from 'fast-check'

/** JSON that means something to a careless reader. */
const oddJson = fc.constantFrom(
  'null',
  '[]',
  '{}',
  '"x"',
  '1e999',
  '-0',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{"a":1}}}',
  '{"length":4294967295}',
  '{"a":1,"a":2}',
  '[1,null,{"toJSON":1}]',
  '"\\ud800"',
  '"\\u0000"',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  `${'9'.repeat(400)}`,
)

/** A member of a JSON text replaced by something else. */
const restructured = (valid: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(valid, fc.nat(), fc.oneof(oddJson, fc.json())).map(([text, at, other]) => {
    const places = [...text.matchAll(/[[:,]/g)].map(({ index }) => index + 1)
    const from = places[at % Math.max(1, places.length)] ?? 0
    const rest = text.slice(from)
    const end = rest.search(/[,\]}]/)
    return `${text.slice(0, from)}${other}${end < 0 ? '' : rest.slice(end)}`
  })

const altered = (valid: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(valid, fc.nat(), fc.nat({ max: 5 }), fc.string({ unit: 'binary', maxLength: 4 }))
    .map(([text, at, length, other]) => {
      const from = at % (text.length + 1)
      return `${text.slice(0, from)}${other}${text.slice(from + length)}`
    })

/** All that can come where a text of one kind is expected. */
export const oddTexts = (valid: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: altered(valid) },
    { weight: 2, arbitrary: altered(altered(valid)) },
    { weight: 4, arbitrary: restructured(valid) },
    { weight: 1, arbitrary: restructured(restructured(valid)) },
    { weight: 1, arbitrary: oddJson },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    { weight: 1, arbitrary: fc.tuple(valid, valid).map(([one, other]) => one + other) },
  )
