/** What is told at once, at most. */
export const happeningsMax = 1000
export const batchBytesMax = 256 * 1024
