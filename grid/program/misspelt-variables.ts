/**
 * Names shorter than this are near to too many that mean something else, such as `POST`: only
 * letters that are left out or swapped count.
 */
const short = 6
/** Below this length one slip of the hand is tolerated, from it on two. */
const long = 10

/**
 * Variables that are set, that nobody reads, and whose names are so near to one of `known` that it
 * is likely to be meant: one line each. What is meant and set as well was not misspelt: another
 * program may well have a variable with a name like ours.
 * @param read what somebody else reads, and is therefore no mistake
 */
export function misspeltVariables(
  variables: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
  read: readonly string[] = [],
): string[] {
  const names = new Set([...known, ...read])
  const missing = known
    .filter((name) => !variables[name]?.trim())
    .map((name): Candidate => ({ name, words: wordsOf(name) }))
  return Object.keys(variables).flatMap((name) => {
    if (names.has(name) || !variables[name]?.trim()) return []
    const meant = nearest(name, missing)
    return meant === undefined ? [] : [`${name} is set, which nothing reads: is ${meant} meant?`]
  })
}

/** What may be meant. */
interface Candidate {
  readonly name: string
  readonly words: readonly string[]
}

function nearest(variable: string, candidates: readonly Candidate[]): string | undefined {
  const name = variable.toUpperCase()
  const words = wordsOf(name)
  let best: string | undefined
  let leastFar = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const far = Math.min(slipsOfTheHand(name, candidate.name), farInWords(words, candidate))
    if (far >= leastFar) continue
    best = candidate.name
    leastFar = far
  }
  return best
}

/** Infinite where there are more than are likely. */
function slipsOfTheHand(name: string, candidate: string): number {
  const slipsMax = candidate.length < long ? 1 : 2
  // Each slip makes a name longer or shorter by one letter at most.
  if (Math.abs(name.length - candidate.length) > slipsMax) return Number.POSITIVE_INFINITY
  if (strangeLetters(name, candidate) > slipsMax) return Number.POSITIVE_INFINITY
  const slips = Math.min(
    slipsBetween(name, candidate),
    slipsBetween(sortedWords(name), sortedWords(candidate)),
  )
  if (slips > slipsMax) return Number.POSITIVE_INFINITY
  return candidate.length >= short || !hasOtherLetters(name, candidate)
    ? slips
    : Number.POSITIVE_INFINITY
}

/** The words of a name in alphabetical order, each as it is of one: `PROXY`, `BYTE`. */
const wordsOf = (name: string): string[] =>
  name
    .split('_')
    .map((word) => word.replace(/IES$/, 'Y').replace(/S$/, ''))
    .sort()

/**
 * More than one slip of the hand for the same words, singular for plural or the other way round;
 * more than any for one that was left out. Infinite for everything else, and where what is left
 * may well be somebody's own (`DELAY_MS`, `URL`): the first word says whose a name is, and the
 * first of a URL the server.
 */
function farInWords(words: readonly string[], { name, words: meant }: Candidate): number {
  if (words.length === meant.length)
    return words.every((word, at) => word === meant[at]) ? 1.5 : Number.POSITIVE_INFINITY
  if (words.length !== meant.length - 1) return Number.POSITIVE_INFINITY
  const gap = meant.findIndex((word, at) => word !== words[at])
  if (!words.every((word, at) => word === meant[at < gap ? at : at + 1]))
    return Number.POSITIVE_INFINITY
  const [first] = wordsOf(name.split('_', 1)[0] as string)
  const isFirstLeftOut = meant[gap] === first
  const isEnough = isFirstLeftOut ? words.length > 2 : words.length > 1 || name.endsWith('_URL')
  return isEnough ? 3 : Number.POSITIVE_INFINITY
}

/** Letters that are left out or swapped are the same ones. */
const hasOtherLetters = (name: string, candidate: string): boolean =>
  name.length > candidate.length ||
  strangeLetters(candidate, name) !== candidate.length - name.length

/**
 * How many letters of a name the other one does not have: one for each slip at most. Of the many
 * variables that a process finds this leaves hardly any to be compared letter by letter.
 */
function strangeLetters(name: string, candidate: string): number {
  let strange = name
  for (const letter of candidate) strange = strange.replace(letter, '')
  return strange.length
}

/** `STREAM_MAX_BYTES` has the words of `STREAM_BYTES_MAX`. */
const sortedWords = (name: string): string => name.split('_').sort().join('_')

/**
 * The optimal string alignment distance: letters left out, added, exchanged for another, or swapped
 * with their neighbour. (Boytsov, Indexing methods for approximate dictionary searching, 2011,
 * section 2.)
 */
function slipsBetween(left: string, right: string): number {
  const rows = [Array.from({ length: right.length + 1 }, (_, at) => at)]
  const cell = (row: number, column: number) => rows[row]?.[column] ?? 0
  for (let row = 1; row <= left.length; row++) {
    rows[row] = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1] ? 0 : 1
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      rows[row]?.push(
        Math.min(
          cell(row - 1, column) + 1,
          cell(row, column - 1) + 1,
          cell(row - 1, column - 1) + same,
          row > 1 && column > 1 && swapped
            ? cell(row - 2, column - 2) + 1
            : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return cell(left.length, right.length)
}
