import { Packr } from 'msgpackr'
import { GridError, isGridError } from '../errors.ts'
import { type ChainedFrame, type Frame, FrameKind } from '../space/frame.ts'
import type { SpaceShape } from '../space/shape.ts'
import {
  type DomainEvent,
  type KeyRead,
  type RangeRead,
  type Step,
  StepKind,
  type TransactionRecord,
} from '../space/steps.ts'

/** First element of every frame. A replica that meets another one stops serving rather than guess. */
export const frameFormat = 1

/** Frames outlive the process that wrote them, so no structure is shared between messages. */
const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true })

type Packed = unknown[]

/** Frames to bytes: positional arrays, so that the protocol's own field names take no room. */
export function encodeFrame(frame: Frame): Uint8Array {
  return packr.pack([frameFormat, ...packFrame(frame)])
}

/** @throws GridError `format_unsupported` */
export function decodeFrame(data: Uint8Array): Frame {
  return readable(() => {
    const [format, kind, ...body] = packr.unpack(data) as Packed
    if (format !== frameFormat)
      throw new GridError(
        'format_unsupported',
        `A frame has format ${format}; this version reads format ${frameFormat}`,
      )
    return unpackFrame(kind as Frame['kind'], body)
  })
}

export const encodeTransactions = (transactions: readonly TransactionRecord[]): Uint8Array =>
  packr.pack(transactions.map(packTransaction))

/** @throws GridError `format_unsupported` */
export function decodeTransactions(parts: readonly Uint8Array[]): TransactionRecord[] {
  return readable(() => (packr.unpack(Buffer.concat(parts)) as Packed[]).map(unpackTransaction))
}

/** Bytes that are no frame at all fail in many ways; to a replica they are all one: a format it cannot follow. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isGridError(error)) throw error
    throw new GridError('format_unsupported', 'A frame cannot be read', { cause: error })
  }
}

function packFrame(frame: Frame): Packed {
  switch (frame.kind) {
    case FrameKind.join:
      return [frame.kind, frame.unit, frame.nonce]
    case FrameKind.shape:
      return [frame.kind, frame.shape]
    default:
      return [
        frame.kind,
        frame.origin,
        frame.id,
        frame.previous,
        frame.deadline,
        ...packBody(frame),
      ]
  }
}

function packBody(frame: ChainedFrame): Packed {
  if (frame.kind === FrameKind.transactions)
    return [frame.transactions.map(packTransaction), frame.parts]
  return frame.kind === FrameKind.part ? [frame.bytes] : []
}

function unpackFrame(kind: Frame['kind'], body: Packed): Frame {
  if (kind === FrameKind.join) return { kind, unit: body[0] as string, nonce: body[1] as number }
  if (kind === FrameKind.shape) return { kind, shape: body[0] as SpaceShape }
  if (!body.slice(0, 4).every(Number.isSafeInteger) || body.length < 4)
    throw new GridError('format_unsupported', 'A frame has no place in a chain')
  const [origin, id, previous, deadline] = body as [number, number, number, number]
  const link = { origin, id, previous, deadline }
  switch (kind) {
    case FrameKind.transactions:
      return {
        kind,
        ...link,
        transactions: (body[4] as Packed[]).map(unpackTransaction),
        parts: body[5] as number,
      }
    case FrameKind.part:
      return { kind, ...link, bytes: body[4] as Uint8Array }
    case FrameKind.leave:
      return { kind, ...link }
    default:
      throw new GridError('format_unsupported', `A frame has the unknown kind ${kind}`)
  }
}

/** Trailing empty lists are left out: most transactions have neither ranges nor events. */
function packTransaction(transaction: TransactionRecord): Packed {
  const { number, reads, ranges, steps, events, notBefore } = transaction
  const packed: Packed = [
    number,
    reads.flatMap((r) => [r.cache, r.key, r.version]),
    steps.map(packStep),
  ]
  if (ranges.length > 0 || events.length > 0 || notBefore > 0) {
    packed.push(ranges.map((r) => [r.cache, r.index, r.range, r.digest]))
    packed.push(
      events.map((e) => [e.name, e.payload]),
      notBefore,
    )
  }
  return packed
}

function unpackTransaction(packed: Packed): TransactionRecord {
  const [number, flat, steps, ranges, events, notBefore] = packed as [
    number,
    unknown[],
    Packed[],
    Packed[]?,
    Packed[]?,
    number?,
  ]
  const reads: KeyRead[] = []
  for (let i = 0; i < flat.length; i += 3)
    reads.push({
      cache: flat[i] as number,
      key: flat[i + 1] as string,
      version: flat[i + 2] as number,
    })
  return {
    number,
    reads,
    steps: steps.map(unpackStep),
    ranges: (ranges ?? none).map(
      ([cache, index, range, digest]) => ({ cache, index, range, digest }) as RangeRead,
    ),
    events: (events ?? none).map(([name, payload]) => ({ name, payload }) as DomainEvent),
    notBefore: notBefore ?? 0,
  }
}

const none: Packed[] = []

function packStep(step: Step): Packed {
  switch (step.kind) {
    case StepKind.put:
      return [step.kind, step.cache, step.key, step.value]
    case StepKind.delete:
      return [step.kind, step.cache, step.key]
    case StepKind.increment:
      return [
        step.kind,
        step.cache,
        step.key,
        step.field,
        step.by,
        step.otherwise,
        step.expected,
        step.min,
        step.max,
        step.initial,
      ]
    case StepKind.append:
      return [
        step.kind,
        step.cache,
        step.key,
        step.field,
        step.items,
        step.otherwise,
        step.expected,
        step.max,
        step.initial,
      ]
    case StepKind.take:
      return [
        step.kind,
        step.cache,
        step.index,
        step.range,
        step.limit,
        step.atLeast,
        step.patch,
        step.otherwise,
        step.expected,
      ]
    case StepKind.remember:
      return [step.kind, step.key, step.command, step.input, step.data, step.slots, step.expiresAt]
  }
}

// The casts below are the codec's edge: frames are written by packStep and by nobody else.
function unpackStep(packed: Packed): Step {
  const [kind, a, b, c, d, e, f, g, h, i] = packed
  switch (kind) {
    case StepKind.put:
      return { kind, cache: a, key: b, value: c } as Step
    case StepKind.delete:
      return { kind, cache: a, key: b } as Step
    case StepKind.increment:
      return {
        kind,
        cache: a,
        key: b,
        field: c,
        by: d,
        otherwise: e,
        expected: f,
        min: g,
        max: h,
        initial: i,
      } as Step
    case StepKind.append:
      return {
        kind,
        cache: a,
        key: b,
        field: c,
        items: d,
        otherwise: e,
        expected: f,
        max: g,
        initial: h,
      } as Step
    case StepKind.take:
      return {
        kind,
        cache: a,
        index: b,
        range: c,
        limit: d,
        atLeast: e,
        patch: f,
        otherwise: g,
        expected: h,
      } as Step
    case StepKind.remember:
      return { kind, key: a, command: b, input: c, data: d, slots: e, expiresAt: f } as Step
    default:
      throw new GridError('format_unsupported', `A frame has the unknown step kind ${kind}`)
  }
}
