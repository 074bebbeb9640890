/**
 * Microseconds of the machine's own clock, which all of its processes share: what one notes another
 * can measure from.
 */
export const nowSinceBoot = (): number => Number(process.hrtime.bigint() / 1000n)
