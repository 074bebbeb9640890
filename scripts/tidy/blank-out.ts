/**
 * What of a source text is kept; the rest becomes spaces, so that every line and column stays where
 * it was.
 */
export interface Kept {
  /** The same text without its comments. */
  withoutComments: string
  /**
   * Without its comments and without what is inside its strings, templates and regular expressions.
   */
  codeOnly: string
}

/** A regular expression, not a division, follows one of these. */
const beforeRegularExpression =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|await))$/

type Part = 'code' | 'comment' | 'literal'

/**
 * Tells code, comments and literals of a TypeScript source apart, well enough for house rules: what
 * is inside the `${}` of a template counts as part of the literal.
 */
export function blankOut(text: string): Kept {
  let withoutComments = ''
  let codeOnly = ''
  let at = 0
  const take = (end: number, part: Part) => {
    const piece = text.slice(at, end)
    const blank = piece.replace(/[^\n]/g, ' ')
    withoutComments += part === 'comment' ? blank : piece
    codeOnly += part === 'code' ? piece : blank
    at = end
  }
  while (at < text.length) {
    const rest = text.slice(at, at + 2)
    const character = text[at] ?? ''
    if (rest === '//') take(endOf(text, '\n', at), 'comment')
    else if (rest === '/*') take(endOf(text, '*/', at + 2) + 2, 'comment')
    else if (character === "'" || character === '"' || character === '`') {
      take(endOfLiteral(text, at, character), 'literal')
    } else if (character === '/' && beforeRegularExpression.test(codeOnly.trimEnd())) {
      take(endOfLiteral(text, at, '/'), 'literal')
    } else take(at + 1, 'code')
  }
  return { withoutComments, codeOnly }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found < 0 ? text.length : found
}

/** The place after the closing quote or slash; a slash in a character class does not close. */
function endOfLiteral(text: string, start: number, quote: string): number {
  let inClass = false
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\\') at += 1
    else if (quote === '/' && character === '[') inClass = true
    else if (quote === '/' && character === ']') inClass = false
    else if (character === quote && !inClass) return at + 1
  }
  return text.length
}
