/** Names this short are near to too many that mean something else: `POST`, `HOME`, `PATH`. */
const shortest = 6
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
  const missing = known.filter((name) => !variables[name]?.trim())
  return Object.keys(variables).flatMap((name) => {
    if (names.has(name) || !variables[name]?.trim()) return []
    const meant = nearest(name, missing)
    return meant === undefined ? [] : [`${name} is set, which nothing reads: is ${meant} meant?`]
  })
}

function nearest(variable: string, candidates: readonly string[]): string | undefined {
  const name = variable.toUpperCase()
  let best: string | undefined
  let bestSlips = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (candidate.length < shortest) continue
    const slipsMax = candidate.length < long ? 1 : 2
    // Each slip makes a name longer or shorter by one letter at most.
    if (Math.abs(name.length - candidate.length) > slipsMax) continue
    if (strangeLetters(name, candidate) > slipsMax) continue
    const slips = Math.min(
      slipsBetween(name, candidate),
      slipsBetween(sortedWords(name), sortedWords(candidate)),
    )
    if (slips > slipsMax || slips >= bestSlips) continue
    best = candidate
    bestSlips = slips
  }
  return best
}

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
