const alphabet = Buffer.from(
  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
  'latin1',
)
const idLength = 22
const scratch = Buffer.alloc(idLength)

/**
 * An identifier of 22 characters of [0-9A-Za-z], 131 bits. Six bits of a random byte choose a
 * character; the two values that name none are skipped, so every character is equally likely.
 */
export function base62Id(nextByte: () => number): string {
  for (let length = 0; length < idLength; ) {
    const choice = nextByte() & 63
    if (choice < alphabet.length) scratch[length++] = alphabet[choice]!
  }
  return scratch.toString('latin1')
}
