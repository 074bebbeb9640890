import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** RFC 1035, section 3.2: an address record of the Internet class. */
const addressRecord = 1
const internetClass = 1

const flagsAnswer = 0x8180
const flagsNoSuchName = 0x8183
const secondsToLive = 1

/**
 * A name server for tests, in the place of Docker's: it answers address queries for one name with
 * the addresses it is given, and knows no other name but those of `others`.
 */
export class NameServer {
  /** Answered from the next query on. */
  addresses: readonly string[] = []
  /** The same, for more names than one. */
  readonly others = new Map<string, readonly string[]>()
  readonly #name: string
  readonly #socket: Socket = createSocket('udp4')

  constructor(name: string) {
    this.#name = name
    this.#socket.on('message', (query, from) => {
      this.#socket.send(this.#answer(query), from.port, from.address)
    })
  }

  /** The port, on the loopback address. */
  async start(): Promise<number> {
    this.#socket.bind(0, '127.0.0.1')
    await once(this.#socket, 'listening')
    return this.#socket.address().port
  }

  async stop(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #answer(query: Buffer): Buffer {
    const { name, type, end } = readQuestion(query)
    const listed = name === this.#name ? this.addresses : this.others.get(name)
    const known = listed !== undefined
    const addresses = known && type === addressRecord ? listed : []
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(known ? flagsAnswer : flagsNoSuchName, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(addresses.length, 6)
    return Buffer.concat([header, query.subarray(12, end), ...addresses.map(resourceRecord)])
  }
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function resourceRecord(address: string): Buffer {
  const record = Buffer.alloc(16)
  // A pointer to the question's name, which begins at byte 12.
  record.writeUInt16BE(0xc00c, 0)
  record.writeUInt16BE(addressRecord, 2)
  record.writeUInt16BE(internetClass, 4)
  record.writeUInt32BE(secondsToLive, 6)
  record.writeUInt16BE(4, 10)
  record.set(address.split('.').map(Number), 12)
  return record
}
