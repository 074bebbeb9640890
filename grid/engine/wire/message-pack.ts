import './whole-strings.ts'
import { Packr } from 'msgpackr'

/**
 * Records outlive the process that wrote them, so no structure is shared between messages; byte
 * fields are copied, for as views they would keep what they were read from in memory. `moreTypes`:
 * an array of numbers comes back as the one it was.
 */
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  copyBuffers: true,
  moreTypes: true,
})

/**
 * Members whose names begin so get another one on the way: msgpackr would read `__proto__` as
 * `__proto_`.
 */
const reserved = '__proto_'
const escaped = '__proto_~'
const reservedBytes = Buffer.from(reserved)
/** Before a message with such names: an extension that nothing else uses, without content. */
const escapeMark = Buffer.from([0xc7, 0, 0x50])

/**
 * MessagePack as everything here is stored and sent. What was packed comes back as it was, members
 * called `__proto__` included.
 */
export const messagePack = {
  pack(data: unknown): Buffer {
    const bytes = packr.pack(data)
    if (!bytes.includes(reservedBytes)) return bytes
    return Buffer.concat([escapeMark, packr.pack(renamed(data, escapedName))])
  },

  /** `T` is the caller's word for what was packed. `end`: only the bytes before it. */
  unpack<T = unknown>(bytes: Uint8Array, end = bytes.byteLength): T {
    if (!isEscaped(bytes)) return packr.unpack(bytes, end)
    return renamed(packr.unpack(bytes.subarray(escapeMark.length, end)), originalName) as T
  },
}

const isEscaped = (bytes: Uint8Array): boolean =>
  bytes[0] === escapeMark[0] && bytes[1] === escapeMark[1] && bytes[2] === escapeMark[2]

const escapedName = (name: string): string =>
  name.startsWith(reserved) ? `${escaped}${name.slice(reserved.length)}` : name

const originalName = (name: string): string =>
  name.startsWith(escaped) ? `${reserved}${name.slice(escaped.length)}` : name

/** A copy in which every member has its name by `rename`, on all levels. */
function renamed(data: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(data)) return data.map((item) => renamed(item, rename))
  if (typeof data !== 'object' || data === null) return data
  const prototype: unknown = Object.getPrototypeOf(data)
  if (prototype !== Object.prototype && prototype !== null) return data
  return Object.fromEntries(
    Object.entries(data).map(([name, member]) => [rename(name), renamed(member, rename)]),
  )
}
