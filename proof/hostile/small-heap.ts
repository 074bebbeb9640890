import { seal } from '@spacegrid/grid/engine/wire/seal'
import { decoders } from './decoders.ts'

/*
 * A process with little memory: gives every decoder messages of a few bytes that announce millions
 * of items, sealed as every format there may be and unsealed, and says how many it has survived.
 * With the argument `believing` there is one more, which makes room for what is announced.
 */
const isBelieving = process.argv.includes('believing')

/** Heads of lists, maps, bytes, texts and extensions, with a length in four bytes. */
const heads = [0xdd, 0xdf, 0xc6, 0xdb, 0xc9]
const lengths = [2 ** 24, 2 ** 25 - 1, 2 ** 25, 2 ** 28, 2 ** 31, 2 ** 32 - 1]
const formatMax = 8

function announcing(head: number, length: number): Buffer {
  const bytes = Buffer.alloc(5, head)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

const bare = heads.flatMap((head) => lengths.map((length) => announcing(head, length)))
// Alone, as an item of a list, as a member, and behind what every decoder expects first.
const bodies = bare.flatMap((bomb) => [
  bomb,
  Buffer.concat([Buffer.from([0x91]), bomb]),
  Buffer.concat([Buffer.from([0x9f, 1, 1, 1, 1, 1]), bomb]),
  Buffer.concat([Buffer.from([0x85, 0xa5]), Buffer.from('value'), bomb]),
  Buffer.concat([bomb, Buffer.alloc(200, 0xc0)]),
])
const formats = Array.from({ length: formatMax }, (_, format) => format)
const messages = bodies.flatMap((body) => [body, ...formats.map((format) => seal(format, body))])

const readers: ((bytes: Uint8Array) => unknown)[] = decoders.map(({ decode }) => decode)
if (isBelieving)
  readers.push((bytes) => new Array(Buffer.from(bytes).readUInt32BE(1)).fill(undefined))

let survived = 0
for (const decode of readers)
  for (const message of messages) {
    try {
      decode(message)
    } catch {
      // With what is for `decoders.test.ts` to say.
    }
    survived++
  }
process.stdout.write(`${survived} of ${readers.length * messages.length}\n`)
