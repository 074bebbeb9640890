/** Polynomial of IEEE 802.3, its bits reversed. */
const polynomial = 0xedb88320

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1
  return rest
})

const encoder = new TextEncoder()

/**
 * CRC-32 of a text's UTF-8 bytes, as of zlib and PNG (ISO 3309), unsigned. Here and not from Node's
 * zlib, because the core runs wherever JavaScript does.
 */
export function crc32(text: string): number {
  let rest = 0xffffffff
  for (const byte of encoder.encode(text))
    rest = (rest >>> 8) ^ (table[(rest ^ byte) & 0xff] as number)
  return (rest ^ 0xffffffff) >>> 0
}
