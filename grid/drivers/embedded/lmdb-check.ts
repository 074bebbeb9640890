import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/*
 * The file format of the LMDB that lmdb-js brings along (its `mdb.c`, version 2, 64 bits, lowest
 * byte first): pages of one size, each with a header of 24 bytes (its own number, a transaction,
 * flags, and where the list of its nodes ends and its nodes begin); two pages of meta data, of
 * which the one with the later transaction counts; B+ trees of branch and leaf pages, and runs of
 * pages for what is large.
 */
const headerBytes = 24
const magic = 0xbeefc0de
const version = 2
const metaDatabases = 48
const metaAddress = 32
const metaLastPage = 144
const metaTransaction = 152
const databaseBytes = 48
const rootOffset = 40
const PageFlag = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const
const NodeFlag = { large: 1, database: 2, duplicates: 4 } as const
const nodeHeaderBytes = 8
const depthMax = 32
/**
 * Pages looked at: 800 MiB in a second or two. What lies beyond is seen when it is read, as far as
 * its checksum tells.
 */
const pagesMax = 200_000

class Damage extends Error {}

/**
 * Looks through a file before LMDB does: LMDB maps it into memory, and where a page is missing or
 * its content nonsense the process ends by a signal. Says what is wrong with the file; undefined:
 * all of its pages are what they should be (whether their content is what was written, checksums
 * say).
 */
export function lmdbDamage(path: string): string | undefined {
  const descriptor = openSync(path, 'r')
  try {
    const { size } = fstatSync(descriptor)
    if (size === 0) return undefined
    new LmdbFile(descriptor, size).check()
    return undefined
  } catch (error) {
    if (error instanceof Damage || error instanceof RangeError) return error.message
    throw error
  } finally {
    closeSync(descriptor)
  }
}

class LmdbFile {
  readonly #descriptor: number
  readonly #size: number
  #pageBytes = 4096
  #pagesLeft = pagesMax
  /** No page of the present state is behind it. */
  #lastPage = 1

  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor
    this.#size = size
  }

  check(): void {
    const meta = this.#meta()
    for (const at of [metaDatabases, metaDatabases + databaseBytes])
      this.#database(meta.subarray(at, at + databaseBytes), 0)
  }

  /** The newer one of the two that are whole. */
  #meta(): Buffer {
    this.#pageBytes = this.#bytes(0, 4096).readUInt32LE(metaDatabases) || 4096
    if (this.#pageBytes < 512 || this.#pageBytes > 65_536 || this.#pageBytes % 512 !== 0)
      throw new Damage('its first page is damaged')
    const metas = [0, 1].map((number) => this.#page(number, PageFlag.meta))
    if (!metas.every((meta) => this.#isMeta(meta))) throw new Damage('its meta data are damaged')
    const [first, second] = metas as [Buffer, Buffer]
    const ahead = first.readBigUInt64LE(metaTransaction) - second.readBigUInt64LE(metaTransaction)
    // Transactions are written to the one and the other in turn.
    if (ahead < -1n || ahead > 1n) throw new Damage('its meta data are damaged')
    const meta = ahead >= 0n ? first : second
    this.#lastPage = Number(meta.readBigUInt64LE(metaLastPage))
    return meta
  }

  #isMeta(meta: Buffer): boolean {
    return (
      meta.readUInt32LE(headerBytes) === magic &&
      meta.readUInt32LE(headerBytes + 4) === version &&
      meta.readUInt32LE(metaDatabases) === this.#pageBytes &&
      meta.readBigUInt64LE(metaAddress) === 0n
    )
  }

  #database(record: Buffer, depth: number): void {
    const root = record.readBigUInt64LE(rootOffset)
    // All ones: it is empty.
    if (root !== 0xffffffffffffffffn) this.#tree(Number(root), depth)
  }

  #tree(number: number, depth: number): void {
    if (depth > depthMax) throw new Damage(`page ${number} leads in a circle`)
    const page = this.#page(number, PageFlag.branch | PageFlag.leaf)
    const isLeaf = (page.readUInt16LE(18) & PageFlag.leaf) !== 0
    const listEnd = headerBytes + page.readUInt16LE(20)
    const nodesBegin = headerBytes + page.readUInt16LE(22)
    if (listEnd > nodesBegin || nodesBegin > this.#pageBytes)
      throw new Damage(`page ${number} is damaged`)
    for (let at = headerBytes; at < listEnd; at += 2) {
      const node = headerBytes + page.readUInt16LE(at)
      if (node < nodesBegin || node + nodeHeaderBytes > this.#pageBytes)
        throw new Damage(`page ${number} is damaged`)
      if (isLeaf) this.#leafNode(page, number, node, depth)
      else this.#tree(childOf(page, node), depth + 1)
      if (this.#pagesLeft <= 0) return
    }
  }

  #leafNode(page: Buffer, number: number, node: number, depth: number): void {
    const length = page.readUInt32LE(node)
    const flags = page.readUInt16LE(node + 4)
    const data = node + nodeHeaderBytes + page.readUInt16LE(node + 6)
    const isLarge = (flags & NodeFlag.large) !== 0
    if (data + (isLarge ? 8 : length) > this.#pageBytes)
      throw new Damage(`page ${number} is damaged`)
    if (isLarge) this.#overflow(Number(page.readBigUInt64LE(data)), length)
    else if ((flags & NodeFlag.database) !== 0 && (flags & NodeFlag.duplicates) === 0)
      this.#database(page.subarray(data, data + databaseBytes), depth + 1)
  }

  #overflow(number: number, length: number): void {
    const pages = this.#page(number, PageFlag.overflow).readUInt32LE(20)
    const isWhole = pages * this.#pageBytes >= headerBytes + length
    if (!isWhole) throw new Damage(`page ${number} is damaged`)
    if ((number + pages) * this.#pageBytes > this.#size) throw this.#cutShort()
    if (number + pages - 1 > this.#lastPage) throw new Damage(`page ${number} is damaged`)
  }

  #page(number: number, flags: number): Buffer {
    this.#pagesLeft--
    if (number > this.#lastPage) throw new Damage(`page ${number} is none of its pages`)
    const page = this.#bytes(number * this.#pageBytes, this.#pageBytes)
    if (page.readBigUInt64LE(0) !== BigInt(number) || (page.readUInt16LE(18) & flags) === 0)
      throw new Damage(`page ${number} is damaged`)
    return page
  }

  #bytes(at: number, length: number): Buffer {
    if (!Number.isSafeInteger(at) || at + length > this.#size) throw this.#cutShort()
    const bytes = Buffer.allocUnsafe(length)
    if (readSync(this.#descriptor, bytes, 0, length, at) < length) throw this.#cutShort()
    return bytes
  }

  #cutShort(): Damage {
    return new Damage(`it is cut short: pages beyond its ${this.#size} bytes are missing`)
  }
}

const childOf = (page: Buffer, node: number): number =>
  page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32
