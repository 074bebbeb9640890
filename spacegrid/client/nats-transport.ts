import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { hashBy, type PartitionBy, partitionOfHash } from '@spacegrid/grid/core/partition'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import type { Message, Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Call, Transport, TransportRequest, TransportResponse } from './transport.ts'

export interface NatsTransportOptions {
  /** How NATS calls the connection. Default `spacegrid client`. */
  readonly name?: string
}

/** What a space's services say of a call of a divided space. */
interface Placed {
  readonly partitions: number
  readonly partitionBy: PartitionBy
}

/** By kind and name of a call. */
type Learnt = ReadonlyMap<string, Placed>

/** What was learnt of a space is asked for again after this long. */
const learntMs = 60_000
const learnTimeoutMs = 2000
/** Spaces that something is remembered of. */
const spacesMax = 256

/**
 * Commands, queries and histories over NATS, straight to the units: no gateway, no HTTP. Of a
 * divided space it learns by what its calls are partitioned, and asks those that keep the
 * partition. Entries and streams of events are HTTP's alone.
 *
 *     const transport = await natsTransport('nats://127.0.0.1:4222')
 *     const client = new GridClient('nats:', { transport })
 *
 * @param servers addresses, separated by commas
 * @throws GridError `log_unavailable` when no server answers; `configuration_invalid`
 */
export async function natsTransport(
  servers: string,
  { name = 'spacegrid client' }: NatsTransportOptions = {},
): Promise<Transport> {
  return new NatsTransport(await NatsMessaging.open(servers, { name }))
}

/** Over a connection that is there. */
export class NatsTransport implements Transport {
  readonly #messaging: Messaging
  readonly #learnt = new Map<string, { at: number; calls: Learnt }>()
  readonly #learning = new Set<string>()

  constructor(messaging: Messaging) {
    this.#messaging = messaging
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const { call } = request
    const { kind } = call
    if (!isServed(kind))
      return refusalOf(
        new GridError('unknown_route', `NATS serves commands, queries and histories, not ${kind}`),
      )
    const subjectIn = (logName: string) => subjects[kind](logName, call.name)
    const partition = this.#partitionOf(call)
    if (partition === undefined) return await this.#ask(request, subjectIn(call.space))
    const answer = await this.#askIfThere(request, subjectIn(logNameOf(call.space, partition)))
    // It was learnt of a space that has been moved to another number meanwhile, or nobody who keeps
    // it is there just now: any unit knows, and nothing has been done.
    if (answer && answer.status !== wrongPartition) return answer
    this.#learnt.delete(call.space)
    return await this.#ask(request, subjectIn(call.space))
  }

  async close(): Promise<void> {
    await this.#messaging.close()
  }

  async #askIfThere(
    request: TransportRequest,
    subject: string,
  ): Promise<TransportResponse | undefined> {
    try {
      return await this.#ask(request, subject)
    } catch (error) {
      if (isGridError(error, 'no_responder')) return undefined
      throw error
    }
  }

  async #ask(
    { call, headers, signal, timeoutMs }: TransportRequest,
    subject: string,
  ): Promise<TransportResponse> {
    const data = new TextEncoder().encode(JSON.stringify(call.input ?? {}))
    signal.throwIfAborted()
    const given = Promise.withResolvers<never>()
    const end = () => given.reject(signal.reason)
    signal.addEventListener('abort', end)
    try {
      const asked = this.#messaging.request(subject, data, { timeoutMs, headers })
      return acceptedOf(await Promise.race([asked, given.promise]))
    } catch (error) {
      if (isGridError(error) && !isOfConnection.has(error.code)) return refusalOf(error)
      throw error
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  #partitionOf({ space, kind, name, input }: Call): number | undefined {
    const known = this.#learnt.get(space)
    if (!known || performance.now() - known.at > learntMs) void this.#learn(space)
    const placed = known?.calls.get(`${kind} ${name}`)
    if (!placed) return undefined
    try {
      const hash = hashBy(placed.partitionBy, Object(input), name)
      return partitionOfHash(hash, placed.partitions)
    } catch (error) {
      // The grid says what is wrong with the input.
      if (isGridError(error)) return undefined
      throw error
    }
  }

  /** Meanwhile, and when it does not come to know, any unit is asked. */
  async #learn(space: string): Promise<void> {
    if (this.#learning.has(space) || this.#learning.size >= spacesMax) return
    this.#learning.add(space)
    try {
      const subject = `$SRV.INFO.spacegrid-${space}`
      const nothing = new Uint8Array()
      const info = await this.#messaging.request(subject, nothing, { timeoutMs: learnTimeoutMs })
      if (this.#learnt.size >= spacesMax) this.#learnt.clear()
      this.#learnt.set(space, { at: performance.now(), calls: callsIn(info) })
    } catch (error) {
      if (!isGridError(error)) throw error
    } finally {
      this.#learning.delete(space)
    }
  }
}

const isServed = (kind: Call['kind']): kind is 'command' | 'query' | 'history' =>
  kind === 'command' || kind === 'query' || kind === 'history'

const wrongPartition = 421
/** Nothing was answered at all. */
const isOfConnection: ReadonlySet<string> = new Set([
  'no_responder',
  'request_timeout',
  'log_unavailable',
])

const acceptedOf = ({ data, headers = {} }: Message): TransportResponse => {
  const named = new Map(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]))
  return { status: 200, header: (name) => named.get(name), text: new TextDecoder().decode(data) }
}

/** In the form of HTTP: what is said of an error stands beside its code. */
function refusalOf(error: GridError): TransportResponse {
  const { code, message: detail, details, status, retryAfterMs } = error
  const reason = error instanceof Rejection ? { reason: error.reason } : {}
  const said = { ...details, code, ...reason }
  const seconds = retryAfterMs === undefined ? undefined : String(retryAfterMs / 1000)
  return {
    status,
    header: (name) => (name === 'retry-after' ? seconds : undefined),
    text: JSON.stringify(code === 'rejected' ? { error: said } : { ...said, detail }),
  }
}

/** Anybody may answer anything: what is not understood is not known. */
function callsIn({ data }: Message): Learnt {
  const calls = new Map<string, Placed>()
  const { endpoints } = Object(parsed(new TextDecoder().decode(data)))
  for (const endpoint of Array.isArray(endpoints) ? endpoints : []) {
    const { kind, partitions, partitionBy } = Object(endpoint?.metadata)
    const name = String(endpoint?.subject).split('.').at(-1)
    const by = Object(parsed(partitionBy))
    const count = Number(partitions)
    if (Array.isArray(by.fields) && Number.isSafeInteger(count) && count > 1)
      calls.set(`${kind} ${name}`, { partitions: count, partitionBy: by })
  }
  return calls
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}
