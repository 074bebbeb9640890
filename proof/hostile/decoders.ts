import { decodeRecord, encodeRecord } from '@spacegrid/grid/drivers/embedded/record-codec'
import {
  decodeImageCheckpoint,
  encodeImageCheckpoint,
} from '@spacegrid/grid/drivers/redis/image-checkpoint'
import { decodeOfAnyLog, encodeAuditMessage } from '@spacegrid/grid/engine/agreement/audit-codec'
import { decodeLoad, encodeLoad } from '@spacegrid/grid/engine/load/load-told'
import { decodeMemoryTold, encodeMemoryTold } from '@spacegrid/grid/engine/memory/memory-message'
import { decodePastRecord, encodePastRecord } from '@spacegrid/grid/engine/past/past-record'
import { decodePresence, encodePresence } from '@spacegrid/grid/engine/placement/presence-message'
import {
  decodeEntryAsked,
  decodeEntryFound,
  decodeRangeAsked,
  decodeRangeFound,
  encodeEntryAsked,
  encodeEntryFound,
  encodeRangeAsked,
  encodeRangeFound,
} from '@spacegrid/grid/engine/wire/archive-messages'
import {
  decodeCheckpoint,
  decodeEntry,
  encodeCheckpoint,
  encodeEntry,
} from '@spacegrid/grid/engine/wire/entry-codec'
import {
  decodeFrame,
  decodeInPieces,
  decodeTransactions,
  encodeFrame,
  encodeTransactions,
} from '@spacegrid/grid/engine/wire/frame-codec'
import { decodePersisted, encodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import {
  decodeHeader,
  decodeSnapshotChunk,
  encodeHeader,
  encodeSnapshotChunk,
} from '@spacegrid/grid/engine/wire/snapshot-codec'
import {
  decodeOpened,
  decodeOpening,
  decodePieceNumber,
  encodeOpened,
  encodeOpening,
  encodePieceNumber,
} from '@spacegrid/grid/engine/wire/snapshot-messages'
import * as sound from '@spacegrid/grid/engine/wire/test-support/any-messages'
import { decodeWindowPart, encodeWindow } from '@spacegrid/grid/engine/wire/window-codec'
import {
  type PassedWatched,
  packWatched,
  unpackWatched,
} from '@spacegrid/runtime/partitions/passed-look'
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  packedBatch,
  unpackedBatch,
} from '@spacegrid/runtime/partitions/passed-request'
import fc from 'fast-check'
import { toldMessages as told } from './told-messages.ts'

/** What reads bytes that may come from anybody. */
export interface Decoder {
  /** Of the file, and the function in it. */
  readonly of: string
  /** What it is made for. */
  readonly valid: fc.Arbitrary<Uint8Array>
  /** @throws GridError `record_damaged`, `format_unsupported` and nothing else */
  decode(bytes: Uint8Array): unknown
  /** What was read as bytes again; left out: nothing writes it. */
  encode?(read: never): Uint8Array
  /** A message without a seal, in the format of versions before. */
  readonly unsealed?: boolean
}

const decoder = <T>(
  of: string,
  valid: fc.Arbitrary<Uint8Array>,
  decode: (bytes: Uint8Array) => T,
  encode?: (read: NonNullable<T>) => Uint8Array,
): Decoder => ({ of, valid, decode, ...(encode ? { encode } : {}) })

/** What is in an answer of another unit. */
const answered = (bytes: Uint8Array): object | undefined => {
  const passed = decodeAnswer(bytes)
  return passed.kind === 'answer' ? (passed.answer as object) : undefined
}

/** To its end. */
function whole<T>(pieces: Generator<void, T>): T {
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
  }
}

const { entry } = told
const name = { cache: 'items', key: 'a' }
/** Each the whole of a window. */
export const windowParts = fc
  .constantFrom(
    ...(await Promise.all(
      fc
        .sample(sound.windows, 30)
        .map((window) => encodeWindow(window, { pump: 1, number: 1 }, 1e6, sound.noPause)),
    )),
  )
  .map(([first]) => first as Uint8Array)

/** All there are: `decoders.test.ts` looks in the sources for any other one. */
export const decoders: readonly Decoder[] = [
  decoder('wire/frame-codec decodeFrame', sound.frame, decodeFrame, encodeFrame),
  {
    of: 'wire/frame-codec decodeTransactions',
    valid: sound.parts,
    decode: (bytes) => decodeTransactions([bytes]),
    encode: encodeTransactions,
    unsealed: true,
  },
  {
    of: 'wire/frame-codec decodeTransactions, across partitions',
    valid: sound.parts,
    decode: (bytes) => decodeTransactions([bytes], true),
    unsealed: true,
  },
  {
    of: 'wire/frame-codec decodeInPieces',
    valid: sound.parts,
    decode: (bytes) => whole(decodeInPieces([bytes])),
    encode: encodeTransactions,
    unsealed: true,
  },
  decoder(
    'wire/snapshot-codec decodeHeader',
    sound.header.map(encodeHeader),
    decodeHeader,
    encodeHeader,
  ),
  decoder(
    'wire/snapshot-codec decodeSnapshotChunk',
    sound.chunk,
    decodeSnapshotChunk,
    encodeSnapshotChunk,
  ),
  decoder('wire/window-codec decodeWindowPart', windowParts, decodeWindowPart),
  decoder(
    'wire/persisted decodePersisted',
    fc.nat().map(encodePersisted),
    decodePersisted,
    encodePersisted,
  ),
  decoder(
    'wire/snapshot-messages decodeOpening',
    sound.suspects.map(encodeOpening),
    decodeOpening,
    encodeOpening,
  ),
  decoder(
    'wire/snapshot-messages decodeOpened',
    sound.key.map(encodeOpened),
    decodeOpened,
    encodeOpened,
  ),
  decoder(
    'wire/snapshot-messages decodePieceNumber',
    fc.nat().map(encodePieceNumber),
    decodePieceNumber,
    encodePieceNumber,
  ),
  decoder(
    'wire/archive-messages decodeEntryAsked',
    fc.constant(encodeEntryAsked(name)),
    decodeEntryAsked,
    encodeEntryAsked,
  ),
  decoder(
    'wire/archive-messages decodeEntryFound',
    told.entryFound.map(encodeEntryFound),
    (bytes) => decodeEntryFound(bytes, name),
    encodeEntryFound,
  ),
  decoder(
    'wire/archive-messages decodeRangeAsked',
    told.rangeAsked.map(encodeRangeAsked),
    decodeRangeAsked,
    encodeRangeAsked,
  ),
  decoder(
    'wire/archive-messages decodeRangeFound',
    told.rangeFound.map(encodeRangeFound),
    (bytes) => decodeRangeFound(bytes, 'items'),
    encodeRangeFound,
  ),
  decoder(
    'wire/entry-codec decodeEntry',
    entry.map(encodeEntry),
    (bytes) => decodeEntry('items', 'a', bytes),
    encodeEntry,
  ),
  decoder(
    'wire/entry-codec decodeCheckpoint',
    told.checkpoint.map(encodeCheckpoint),
    (bytes) => decodeCheckpoint(bytes, 7),
    encodeCheckpoint,
  ),
  decoder(
    'agreement/audit-codec decodeOfAnyLog',
    sound.auditMessage,
    decodeOfAnyLog,
    ({ logIdentity, message }) => encodeAuditMessage(logIdentity, message),
  ),
  decoder(
    'memory/memory-message decodeMemoryTold',
    told.memory.map(encodeMemoryTold),
    decodeMemoryTold,
    encodeMemoryTold,
  ),
  decoder('load/load-told decodeLoad', told.load.map(encodeLoad), decodeLoad, encodeLoad),
  decoder(
    'placement/presence-message decodePresence',
    told.presence.map(encodePresence),
    decodePresence,
    encodePresence,
  ),
  decoder(
    'past/past-record decodePastRecord',
    told.past.map(encodePastRecord),
    decodePastRecord,
    encodePastRecord,
  ),
  decoder(
    'embedded/record-codec decodeRecord',
    told.record.map(([time, data]) => encodeRecord(time, 100, data)),
    (bytes) => decodeRecord(1, Buffer.from(bytes)),
    ({ time, endBytes, data }) => encodeRecord(time, endBytes, data),
  ),
  decoder(
    'redis/image-checkpoint decodeImageCheckpoint',
    told.image.map(encodeImageCheckpoint),
    (bytes) => decodeImageCheckpoint(Buffer.from('7'), Buffer.from(bytes)),
    encodeImageCheckpoint,
  ),
  decoder(
    'partitions/passed-request decodeRequest',
    told.request.map(encodeRequest),
    decodeRequest,
    encodeRequest,
  ),
  decoder(
    'partitions/passed-request decodeAnswer',
    told.answer.map(encodeAnswer),
    decodeAnswer,
    encodeAnswer,
  ),
  {
    of: 'partitions/passed-request unpackedBatch',
    valid: told.batch.map((batch) => encodeAnswer({ kind: 'answer', answer: packedBatch(batch) })),
    decode: (bytes) => unpackedBatch(answered(bytes) as object),
  },
  {
    of: 'partitions/passed-look unpackWatched',
    valid: told.watched.map((it) => encodeAnswer({ kind: 'answer', answer: packWatched(it) })),
    decode: (bytes) => unpackWatched(answered(bytes) as PassedWatched),
  },
]
