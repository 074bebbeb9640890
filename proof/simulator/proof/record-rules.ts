import type { Rule } from './rule.ts'

/**
 * What is written comes back as it was, and what cannot be read is decided alike.
 * docs/decisions/0015.
 */
export const recordRules: readonly Rule[] = [
  {
    name: 'what was written comes back under its name',
    file: 'grid/engine/wire/message-pack.ts',
    find: 'if (!bytes.includes(reservedBytes)) return bytes',
    replace: 'return bytes',
    tests: ['grid/engine/wire/message-pack.test.ts'],
  },
  {
    name: 'a record that was altered is none',
    file: 'grid/engine/wire/seal.ts',
    find: 'if (record[2 + i] !== ((sum >>> (8 * i)) & 0xff)) return false',
    replace: 'if (sum < 0) return false',
    tests: ['grid/engine/wire/frame-codec.test.ts'],
  },
  {
    name: '1: what is no record is passed over',
    file: 'grid/engine/replica/replica.ts',
    find: "if (cause.code === 'record_damaged' || this.#skips.delete(position)) {",
    replace: 'if (this.#skips.delete(position)) {',
    tests: ['processing-units/runtime/unread-records.test.ts'],
  },
  {
    name: '1: a record of another version is not passed over',
    file: 'grid/engine/replica/replica.ts',
    find: "if (cause.code === 'record_damaged' || this.#skips.delete(position)) {",
    replace: 'if (true) {',
    tests: ['processing-units/runtime/unread-records.test.ts'],
  },
  {
    name: '1: what was looked through for a word about a record is melded afterwards',
    file: 'grid/engine/replica/replica.ts',
    find: '      // What was looked through has to be melded now.\n      void this.#tail?.stop()\n      this.start()',
    replace: '',
    tests: ['processing-units/runtime/unread-records.test.ts'],
  },
  {
    name: '1: a definition that nobody declares is no record',
    file: 'grid/engine/wire/frame-codec.ts',
    find: 'shape: checkedShape(packed[1])',
    replace: 'shape: packed[1] as never',
    tests: ['grid/engine/wire'],
  },
  {
    name: '10: what nests without end is no record',
    file: 'grid/engine/wire/packed-bytes.ts',
    find: 'if (open.length >= depthMax)',
    replace: 'if (open.length < 0)',
    tests: ['grid/engine/wire/packed-bytes.test.ts'],
  },
  {
    name: '10: a snapshot takes a place when it is read, not when it is opened',
    file: 'grid/engine/replica/snapshot-service.ts',
    find: '    const claimed = [...this.#sessions].filter((session) => session.claimed)',
    replace: '    const claimed = [...this.#sessions]',
    tests: [
      'grid/engine/replica/snapshot-service.test.ts',
      'proof/simulator/scenarios/strangers.test.ts',
    ],
  },
  {
    name: '6: a damaged window is published anew',
    file: 'data-pump/gap-watch.ts',
    find: '!isGap && persisted !== undefined && !(await this.#leadsOn(persisted, chainFrom, published))',
    replace: 'false',
    tests: ['proof/simulator/scenarios/strangers.test.ts'],
  },
  {
    name: 'records: what is told to a waiting room is read before it counts',
    file: 'grid/doors/request/admission-reports.ts',
    find: "  checkFits(reports, told, 'admissions')\n",
    replace: '',
    tests: ['waiting-room/waiting-room.test.ts'],
  },
]
