/**
 * Imported before msgpackr, also by what imports it through lmdb: turns off its native string
 * extraction. That cuts strings out of one long string for a whole message, which stays in memory
 * as long as any of them: one entry kept from a frame of a hundred held 6 KB instead of 0.4, and
 * garbage collection had four times as much to carry. msgpackr offers no other switch than this
 * variable.
 */
process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED = 'true'
