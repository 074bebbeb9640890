import { numberArrays } from '../../core/number-arrays.ts'

/**
 * Their numbers are stored as memory holds them, the lowest byte first, as on every machine that
 * Node 24 runs on.
 */
export type NumberArray = InstanceType<(typeof numberArrays)[number]>

const numbers = new Map<unknown, number>(
  numberArrays.map((array, number) => [array.prototype, number]),
)

/** Which of them it is, 0 for a `Uint8Array` (or `Buffer`); undefined: none of them. */
export function numberArrayKind(data: object): number | undefined {
  const kind = numbers.get(Object.getPrototypeOf(data))
  return kind === undefined && Buffer.isBuffer(data) ? 0 : kind
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: NumberArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/**
 * An array of a kind, with memory of its own; undefined: there is no such kind, or the bytes are
 * not a whole number of items.
 */
export function numberArrayOf(kind: number, bytes: Uint8Array): NumberArray | undefined {
  const array = numberArrays[kind]
  if (!array || bytes.byteLength % array.BYTES_PER_ELEMENT !== 0) return undefined
  const copy = new Uint8Array(bytes)
  return kind === 0 ? copy : new array(copy.buffer)
}
