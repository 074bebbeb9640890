import type { TSchema } from 'typebox'
import { CompiledTakes } from './compiled-take.ts'
import { numberArrays } from './number-arrays.ts'

/**
 * Deepest nesting of what can be kept, the value itself included: far below what any hop can take
 * (MongoDB takes 100, recursive encoders some 3,500).
 */
export const dataDepthMax = 64
/** Members and items that one value can have, all levels together. */
export const dataSizeMax = 1_000_000
/** Characters of all texts of one value: more bytes than any transaction may have. */
const dataCharactersMax = 64 * 1024 * 1024

/** Why something cannot be kept as data. */
export class DataFault extends TypeError {
  /** Dotted path of what is wrong; '' is the whole. */
  readonly path: string
  /** What is wrong, without the path. */
  readonly problem: string

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path} ${problem}`)
    this.name = 'DataFault'
    this.path = path
    this.problem = problem
  }
}

/** It is more than there may be: not the kind of it is wrong. */
export class DataTooLarge extends DataFault {}

/** Names seen before, all of them good: most are the same few. */
const goodNames = new Set<string>()
const goodNamesMax = 10_000

/**
 * Of the value that is being taken: what is left of `dataSizeMax`, and of the characters that its
 * texts may have.
 */
let room = 0
let characters = 0
/** What it had at first, and the bytes of its arrays of numbers. */
let charactersBefore = 0
let arrayBytes = 0
/** Members that are `undefined`: they are left out, and take nothing. */
let missingMembers = 0

/**
 * A frozen copy of plain data, as it comes back from the log, the store, the warm image, a snapshot
 * and a replayed answer.
 *
 * The closed list of what can be kept: `null`, booleans, finite numbers (−0 is taken as 0),
 * well-formed text, valid dates, the engine's arrays of numbers (`Uint8Array`, `Float64Array` …; a
 * `Buffer` is taken as the bytes it shows), and lists and plain objects of these, at most 64 levels
 * deep and a million members and items in all. A member that is `undefined` is taken as missing.
 * `charactersMax`: of all its texts; a text is not looked into before that is known, for the engine
 * may not have put it together yet.
 *
 * @throws DataFault for everything else: `bigint`, NaN and infinities, functions, symbols,
 * `undefined` and holes in a list, class instances, `Map`, `Set`, boxed values, circles, texts and
 * names that are not well-formed, names with U+0000
 */
export function takeData<T>(data: T, charactersMax = dataCharactersMax): T {
  room = dataSizeMax
  characters = charactersBefore = charactersMax
  arrayBytes = 0
  missingMembers = 0
  return take(data, dataDepthMax) as T
}

/**
 * Whether it is data as `takeData` takes it, without making a copy of it. Members that are
 * `undefined` and −0 are.
 */
export function isData(data: unknown): boolean {
  room = dataSizeMax
  return isKind(data, dataDepthMax)
}

/**
 * A copy of data for somebody who is told it, from the same closed list as of `takeData`. Nothing
 * in the original is looked at once more when it has been taken: a getter or a proxy may answer
 * otherwise then, and whoever has made it may go on changing it while it is written. Its receiver
 * may change the copy. `known`: objects that are data already, such as committed entries; they
 * stand in it themselves.
 * @throws DataFault as `takeData` does
 */
export function tellData(data: unknown, known?: KnownData): unknown {
  room = dataSizeMax
  try {
    return tell(data, dataDepthMax, known)
  } catch (error) {
    if (!(error instanceof DataFault)) throw error
    // Once more, to find out where it is.
    return takeData(data)
  }
}

/**
 * Bytes of content in what was taken last, at most what it takes in the log: characters and bytes,
 * and one for each member and item. Counted on the way, so that nobody goes through it again.
 */
export const takenBytes = (): number =>
  1 + (charactersBefore - characters) + (dataSizeMax - room) - missingMembers + arrayBytes

export interface KnownData {
  has(data: object): boolean
  /**
   * What is to be told of it where it is known to be data, and to fit the schema as well; undefined
   * says nothing.
   */
  fitting<T>(data: T, schema: TSchema | undefined): T | undefined
}

function isKind(data: unknown, depth: number): boolean {
  if (typeof data === 'string') return data.isWellFormed()
  if (typeof data === 'number') return data - data === 0
  if (typeof data !== 'object') return typeof data === 'boolean'
  if (data === null) return true
  if (depth === 0) return false
  const prototype: unknown = Object.getPrototypeOf(data)
  if (prototype === Object.prototype || prototype === null) {
    for (const name in data) {
      if (--room < 0 || (!goodNames.has(name) && !isName(name))) return false
      const member: unknown = data[name as keyof typeof data]
      if (member !== undefined && !isKind(member, depth - 1)) return false
    }
    return true
  }
  if (prototype !== Array.prototype) {
    const left = room
    const isTaken = dataFault(data) === undefined
    room = left
    return isTaken
  }
  const items = data as readonly unknown[]
  room -= items.length
  if (room < 0) return false
  for (let i = 0; i < items.length; i++) if (!isKind(items[i], depth - 1)) return false
  return true
}

/** What keeps it from being kept as data; undefined when nothing does. */
export function dataFault(data: unknown): DataFault | undefined {
  try {
    takeData(data)
    return undefined
  } catch (error) {
    if (error instanceof DataFault) return error
    throw error
  }
}

function take(data: unknown, depth: number): unknown {
  switch (typeof data) {
    case 'string':
      if (isText(data)) return data
      throw new DataFault('', 'must be well-formed Unicode (it has a lone surrogate)')
    case 'number':
      // The difference of NaN and of infinities is NaN; −0 and 0 make 0.
      if (data - data === 0) return data + 0
      throw new DataFault('', `is ${data}, which cannot be kept`)
    case 'boolean':
      return data
    case 'object':
      return data === null ? null : takeObject(data, depth)
    default:
      throw new DataFault('', `is ${nameOf(data)}, which cannot be kept`)
  }
}

function isText(text: string): boolean {
  characters -= text.length
  if (characters < 0) throw new DataTooLarge('', 'goes beyond the characters that a value may have')
  return text.isWellFormed()
}

function takeObject(data: object, depth: number): unknown {
  const prototype: unknown = Object.getPrototypeOf(data)
  if (prototype === Array.prototype) return takeItems(data as readonly unknown[], depth)
  if (prototype === Object.prototype || prototype === null) return takeMembers(data, depth)
  if (prototype === Date.prototype) return takeDate(data as Date)
  if (Buffer.isBuffer(data)) return takeArray(new Uint8Array(data))
  for (const NumberArray of numberArrays)
    if (prototype === NumberArray.prototype) return takeArray(new NumberArray(data as Uint8Array))
  throw new DataFault('', `is ${nameOf(data)}, which cannot be kept`)
}

function takeArray(copy: ArrayBufferView): ArrayBufferView {
  arrayBytes += copy.byteLength
  return copy
}

function tell(data: unknown, depth: number, known: KnownData | undefined): unknown {
  if (typeof data === 'number' && data - data === 0) return data + 0
  if (typeof data === 'string' && data.isWellFormed()) return data
  if (typeof data === 'boolean' || data === null) return data
  if (typeof data !== 'object' || depth === 0) throw new DataFault('', 'cannot be kept')
  if (known?.has(data)) return data
  const prototype: unknown = Object.getPrototypeOf(data)
  if (prototype === Object.prototype || prototype === null) return tellMembers(data, depth, known)
  if (prototype !== Array.prototype) return takeObject(data, depth)
  const copy = copyOf(data as readonly unknown[])
  for (let i = 0; i < copy.length; i++) copy[i] = tell(copy[i], depth - 1, known)
  return copy
}

function tellMembers(data: object, depth: number, known: KnownData | undefined): object {
  const copy: Record<string, unknown> = { ...(data as Record<string, unknown>) }
  for (const name in copy) {
    if (--room < 0) throw tooMany()
    if (!goodNames.has(name)) checkName(name)
    const member = copy[name]
    if (member === undefined) continue
    const told = tell(member, depth - 1, known)
    if (told !== member) set(copy, name, told)
  }
  return copy
}

const tooMany = (): DataFault => new DataFault('', `goes beyond ${dataSizeMax} members and items`)

/** A list of its items alone, however many it says there are. */
function copyOf(items: readonly unknown[]): unknown[] {
  if (items.length > room) throw tooMany()
  const copy = items.slice()
  room -= copy.length
  return copy
}

function takeMembers(data: object, depth: number): object {
  const shape = takes.find(data)
  if (shape?.take) {
    const roomAt = room
    const charactersAt = characters
    const bytesAt = arrayBytes
    const missingAt = missingMembers
    room -= shape.names.length
    const copy = room < 0 ? undefined : shape.take(data, depth)
    if (copy !== undefined) return copy
    // A member is missing: all of it is taken again, and is counted once.
    room = roomAt
    characters = charactersAt
    arrayBytes = bytesAt
    missingMembers = missingAt
  }
  // A spread keeps the layout that the engine has given the original, and makes a `__proto__` a
  // member like any other.
  const copy: Record<string, unknown> = { ...(data as Record<string, unknown>) }
  let missing = false
  for (const name in copy) {
    room--
    if (!goodNames.has(name)) checkName(name)
    const member = copy[name]
    if (typeof member === 'string' ? isText(member) : typeof member === 'boolean') continue
    if (member === undefined) {
      missing = true
      missingMembers++
    } else set(copy, name, takeInside(name, member, depth))
  }
  if (missing) return Object.freeze(withoutMissing(copy))
  takes.learn(copy, shape)
  return Object.freeze(copy)
}

function takeItems(data: readonly unknown[], depth: number): readonly unknown[] {
  const copy = copyOf(data)
  for (let i = 0; i < copy.length; i++) copy[i] = takeInside(i, copy[i], depth)
  return Object.freeze(copy)
}

function takeInside(name: string | number, data: unknown, depth: number): unknown {
  try {
    if (room < 0) throw tooMany()
    if (depth <= 1 && typeof data === 'object' && data !== null)
      throw new DataFault('', `is nested more deeply than ${dataDepthMax} levels`)
    return take(data, depth - 1)
  } catch (error) {
    if (!(error instanceof DataFault)) throw error
    const inside = String(name).toWellFormed()
    const path = error.path === '' ? inside : `${inside}.${error.path}`
    if (error instanceof DataTooLarge) throw new DataTooLarge(path, error.problem)
    throw new DataFault(path, error.problem)
  }
}

const takes = new CompiledTakes({ isText, inside: takeInside })

function takeDate(data: Date): Date {
  const time = data.getTime()
  if (Number.isNaN(time)) throw new DataFault('', 'is an invalid date, which cannot be kept')
  return Object.freeze(new Date(time))
}

const isName = (name: string): boolean => name.isWellFormed() && !name.includes('\0')

function checkName(name: string): void {
  if (!name.isWellFormed())
    throw new DataFault(name.toWellFormed(), 'has a name with a lone surrogate')
  if (name.includes('\0')) throw new DataFault(name, 'has a name with U+0000')
  if (goodNames.size < goodNamesMax) goodNames.add(name)
}

function set(copy: Record<string, unknown>, name: string, member: unknown): void {
  // Assigned, it would be the prototype.
  if (name === '__proto__')
    Object.defineProperty(copy, name, {
      value: member,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else copy[name] = member
}

const withoutMissing = (copy: object): object =>
  Object.fromEntries(Object.entries(copy).filter(([, member]) => member !== undefined))

/** What it is, for people. */
function nameOf(data: unknown): string {
  if (data === undefined) return 'undefined'
  if (typeof data !== 'object' || data === null) return `a ${typeof data}`
  const name: unknown = data.constructor?.name
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an object of a class'
}
