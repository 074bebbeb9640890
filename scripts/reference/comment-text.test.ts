import { expect, test } from 'vitest'
import { commentText, firstSentence } from './comment-text.ts'

test('a comment becomes text: links are names, tags are words, code keeps its form', () => {
  const comment = `/**
 * Adds one. See {@link other} and {@link Type.sub | that}.
 *
 * \`\`\`ts
 * if (x) {
 *   add()
 * }
 * \`\`\`
 *
 * @param amount - how much
 * @throws
 *
 * GridError \`full\`
 */`
  expect(commentText(comment)).toBe(`Adds one. See \`other\` and that.

\`\`\`ts
if (x) {
  add()
}
\`\`\`

- \`amount\`: how much

*Throws* GridError \`full\``)
})

test.each([
  ['One. Two.', 'One'],
  ['A thing: it does.', 'A thing'],
  ['A version 1.2 of it', 'A version 1.2 of it'],
])('the first sentence of %j', (text, first) => {
  expect(firstSentence(text)).toBe(first)
})
