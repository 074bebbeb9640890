/**
 * What melding a command of somebody else takes where much is held, ms: 8.6 µs with 1,000,000
 * entries (docs/scale.md, m).
 */
export const meldMs = 0.0086
