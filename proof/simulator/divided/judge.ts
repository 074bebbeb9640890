import { isDeepStrictEqual } from 'node:util'
import type { Reference } from '../check/reference.ts'
import {
  type Asked,
  type Outcome,
  PlainBank,
  partsOf,
  placesRead,
  placesWritten,
  type Refusal,
} from './accounts.ts'
import { type Happening, inOneOrder } from './one-order.ts'

/** What became of a request, as its client heard it in the end. */
export type Heard =
  | { readonly kind: 'answer'; readonly result: unknown }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string }

/** One intention of a client, however often it was sent. */
export interface Request {
  readonly number: number
  readonly asked: Asked
  /** Moments of the run: two requests whose times overlap may come in either order. */
  readonly beganAt: number
  toldAt: number
  /** undefined: nobody told it anything. */
  heard: Heard | undefined
  /** Some unit failed it in a way that leaves open what becomes of it. */
  isUncertain: boolean
}

const nameOf = ({ number, asked }: Request): string =>
  `request ${number} ${asked.name} ${JSON.stringify(asked.input)}`

/**
 * Judges a run: every command happened wholly or not at all, once, as its client was told, and all
 * of them, of one partition and of several, in one order that fits what everybody saw and when. In
 * that order each is done once more on a plain bank: it must say the same, and leave what the logs
 * have.
 */
export function judge(
  requests: readonly Request[],
  references: readonly Reference[],
): readonly string[] {
  const problems: string[] = []
  const versions = versionsOf(references, problems)
  const happenings = new Map<Happening, Request>()
  for (const request of requests) {
    for (const happening of happeningsOf(request, versions, problems))
      happenings.set(happening, request)
  }
  checkOrigins(requests, versions, problems)
  if (problems.length > 0) return problems
  const ordered = inOneOrder([...happenings.keys()], versions)
  if ('circle' in ordered) return [`no order explains ${ordered.circle.join(' -> ')}`]
  const bank = new PlainBank()
  for (const happening of ordered.order) checkTold(happening, happenings, bank, problems)
  compareEnd(bank, references, problems)
  return problems
}

/** By place, the stamps that it had, oldest first. */
function versionsOf(references: readonly Reference[], problems: string[]): Map<string, string[]> {
  const versions = new Map<string, string[]>()
  for (const reference of references)
    for (const { cache, key, value } of reference.changes(0, reference.last)) {
      if (cache !== 'accounts' && cache !== 'lists') continue
      const stamps = value?.stamps as readonly string[] | undefined
      const stamp = (stamps ? stamps.at(-1) : value?.stamp) as string
      const before = versions.get(`${cache}/${key}`) ?? []
      if (before.at(-1) === stamp) continue
      if (before.includes(stamp)) problems.push(`${stamp} was written twice at ${cache}/${key}`)
      versions.set(`${cache}/${key}`, [...before, stamp])
    }
  return versions
}

/**
 * What a request did, and what it was told. Both, where it was refused when it asked again: a
 * sending of which nobody had heard may have taken effect after that.
 */
function happeningsOf(
  request: Request,
  versions: ReadonlyMap<string, readonly string[]>,
  problems: string[],
): readonly Happening[] {
  const { number, asked, beganAt, toldAt, heard, isUncertain } = request
  const name = nameOf(request)
  const stamp = (asked.input.stamp as string | undefined) ?? `reader ${number}`
  const places = placesWritten(asked)
  const written = places.filter((place) => versions.get(place)?.includes(stamp))
  if (written.length > 0 && written.length < places.length)
    problems.push(`half of ${name}: only ${written.join(', ')}`)
  const wrote = { name, stamp, writes: new Set(places), beganAt, toldAt: Number.POSITIVE_INFINITY }
  if (heard?.kind === 'answer') {
    if (written.length < places.length)
      problems.push(`${name} was acknowledged, but is not in the logs`)
    return [{ ...wrote, toldAt, reads: placesRead(asked, resultsOf(asked, heard.result)) }]
  }
  if (written.length > 0 && !isUncertain)
    problems.push(`${name} was told ${heard?.kind ?? 'nothing'}, but is in the logs`)
  const happenings: Happening[] = written.length > 0 ? [{ ...wrote, reads: new Map() }] : []
  if (heard?.kind === 'refusal') {
    const { part, details } = heard.refusal
    const { input } = partsOf(asked)[part] as Asked
    const { saw } = details as { readonly saw: string | null }
    // What an earlier part of it would have left is no stamp of anybody's.
    const reads = saw === stamp ? [] : [[`accounts/${input.id}`, saw ?? undefined] as const]
    const refused = { ...wrote, name: `${name}, refused`, stamp: `refused ${stamp}`, toldAt }
    happenings.push({ ...refused, writes: new Set(), reads: new Map(reads) })
  }
  return happenings
}

/** Nothing is there that nobody asked for. */
function checkOrigins(
  requests: readonly Request[],
  versions: ReadonlyMap<string, readonly string[]>,
  problems: string[],
): void {
  const known = new Set(requests.map(({ asked }) => asked.input.stamp))
  for (const [place, stamps] of versions)
    for (const stamp of stamps)
      if (!known.has(stamp)) problems.push(`${stamp} at ${place} is nobody's`)
}

/** A command of one part tells its result, one of several theirs. */
const resultsOf = (asked: Asked, result: unknown): readonly unknown[] =>
  'from' in asked.input ? (result as readonly unknown[]) : [result]

function checkTold(
  happening: Happening,
  requests: ReadonlyMap<Happening, Request>,
  bank: PlainBank,
  problems: string[],
): void {
  const { heard, asked } = requests.get(happening) as Request
  const alone = bank.do(asked)
  if (happening.toldAt === Number.POSITIVE_INFINITY) return
  const told: Outcome | undefined =
    heard?.kind === 'answer'
      ? { results: resultsOf(asked, heard.result) }
      : heard?.kind === 'refusal'
        ? { refusal: heard.refusal }
        : undefined
  if (!isDeepStrictEqual(plain(told), plain(alone)))
    problems.push(`${happening.name} was told ${text(told)}, alone it says ${text(alone)}`)
}

function compareEnd(bank: PlainBank, references: readonly Reference[], problems: string[]): void {
  const found = new Map<string, unknown>()
  for (const reference of references)
    for (const cache of ['accounts', 'lists'])
      for (const [key, { value }] of reference.entries(cache, reference.last)) {
        if (found.has(`${cache}/${key}`)) problems.push(`${cache}/${key} is on two partitions`)
        found.set(`${cache}/${key}`, value)
      }
  const expected = new Map<string, unknown>([
    ...[...bank.accounts].map(([id, account]) => [`accounts/${id}`, { id, ...account }] as const),
    ...[...bank.lists].map(([id, stamps]) => [`lists/${id}`, { id, stamps }] as const),
  ])
  for (const place of new Set([...found.keys(), ...expected.keys()]))
    if (!isDeepStrictEqual(plain(found.get(place)), plain(expected.get(place))))
      problems.push(
        `in the end ${place} is ${text(found.get(place))}, not ${text(expected.get(place))}`,
      )
}

const text = (data: unknown): string => JSON.stringify(data) ?? 'not there'
const plain = (data: unknown): unknown => JSON.parse(JSON.stringify(data ?? null))
