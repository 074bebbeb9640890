/**
 * The engine's arrays of numbers that can be kept as data. The place of each is the number by which
 * it is known in what is stored and hashed: new ones go to the end.
 */
export const numberArrays = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const
