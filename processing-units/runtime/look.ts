import { permissionName } from '@spacegrid/grid/core/access'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { answeringOperators } from '@spacegrid/grid/doors/nats/json-answer'
import type { AccessControl } from '@spacegrid/grid/doors/request/access/access-control'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { FaultLog } from '@spacegrid/grid/doors/request/public-error'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { unknownIn } from './unknown.ts'

/** Entries of a page, at most, and how deep pages go: those before are stepped over one by one. */
const limitMax = 100
const offsetMax = 200_000
/** Characters of a value that are shown, and of a page: it is a message of NATS. */
const valueLengthMax = 8192
const pageLengthMax = 400_000

/** What of a unit is looked into: its state, or those of the partitions that it keeps. */
export interface LookedInto {
  readonly space: Space
  readonly state?: SpaceState | undefined
  readonly parts?: ReadonlyMap<LogName, { readonly state: SpaceState | undefined }>
}

export interface LookAsked {
  /** Left out: how many entries each cache has. */
  readonly cache?: unknown
  readonly offset?: unknown
  readonly limit?: unknown
  /** The last page, in place of the one behind the offset. */
  readonly newest?: unknown
}

export interface CachesSeen {
  readonly caches: readonly { readonly cache: string; readonly entries: number }[]
  /** Of a divided space: those that were looked into. */
  readonly partitions?: readonly LogName[]
}

export interface EntrySeen {
  readonly key: string
  /** JSON; of bytes base64. Cut off where it is longer than is shown. */
  readonly value: string
  readonly cut: boolean
  readonly version: number
  readonly position: number
}

export interface EntriesSeen {
  readonly cache: string
  readonly count: number
  readonly offset: number
  readonly entries: readonly EntrySeen[]
  readonly partitions?: readonly LogName[]
}

/**
 * What the caches of a unit hold, a page at a time, in no order but the one in which entries have
 * come: for operators, who may see all of it, of every cache. It is what is in memory at this
 * moment; of a divided space only what this unit keeps.
 * @throws GridError `not_ready`, `unknown_cache`, `invalid_input`
 */
export function look(unit: LookedInto, asked: LookAsked): CachesSeen | EntriesSeen {
  const states = statesOf(unit)
  const partitions = unit.parts ? { partitions: states.map(([log]) => log) } : {}
  const { cache } = asked
  if (cache === undefined) {
    const caches = unit.space.caches.map(({ name }) => ({
      cache: name,
      entries: countOf(entriesIn(states, name)),
    }))
    return { caches, ...partitions }
  }
  if (!unit.space.caches.some(({ name }) => name === cache))
    throw unknownIn(unit.space, 'cache', String(cache))
  const name = String(cache)
  const limit = whole('limit', asked.limit, 25, limitMax)
  const all = entriesIn(states, name)
  const count = countOf(all)
  const offset =
    asked.newest === true
      ? Math.min(offsetMax, Math.max(0, count - limit))
      : whole('offset', asked.offset, 0, offsetMax)
  const entries: EntrySeen[] = []
  let [at, length] = [0, 0]
  for (const some of all) {
    if (at + some.size <= offset) {
      at += some.size
      continue
    }
    for (const [key, { value, version, position }] of some) {
      if (at++ < offset) continue
      if (entries.length === limit || length > pageLengthMax) break
      const text = textOf(value)
      const shown = text.slice(0, valueLengthMax)
      entries.push({ key, value: shown, cut: shown !== text, version, position })
      length += key.length + shown.length
    }
  }
  return { cache: name, count, offset, entries, ...partitions }
}

type NamedState = readonly [LogName, SpaceState]

function statesOf({ space, state, parts }: LookedInto): NamedState[] {
  const found = parts
    ? [...parts].flatMap(([log, part]) => (part.state ? [[log, part.state] as const] : []))
    : state
      ? [[space.name, state] as const]
      : []
  if (found.length > 0) return found
  throw new GridError('not_ready', `Nothing of ${space.name} is here yet`, { retryAfterMs: 1000 })
}

/** Of a cache: in each state that knows it. */
const entriesIn = (states: readonly NamedState[], cache: string) =>
  states.flatMap(([, state]) => {
    const layout = state.layout.named(cache)
    return layout ? [state.cache(layout.number).entries] : []
  })

const countOf = (all: readonly { readonly size: number }[]): number =>
  all.reduce((sum, { size }) => sum + size, 0)

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_name, part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('base64') : part,
  )

function whole(name: string, value: unknown, fallback: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most) return Number(value)
  throw new GridError('invalid_input', `${name} is a whole number up to ${most}`)
}

/**
 * Any ready unit answers; who may ask is for NATS to decide (`spacegrid.*.admin.>`), and, where
 * callers are asked who they are, for `{space}:admin:look`.
 */
export function serveLook(
  messaging: Messaging,
  unit: LookedInto,
  log: FaultLog,
  access?: AccessControl,
): Promise<Subscription> {
  const guard = access?.guard(permissionName(unit.space.name, 'admin', 'look'))
  return messaging.serve({
    name: `spacegrid-${unit.space.name}-look`,
    version: '1.0.0',
    description: `What the caches of the space ${unit.space.name} hold`,
    endpoints: [
      {
        subject: subjects.look(unit.space.name),
        description: 'A page of a cache: {"cache": …, "offset": 0, "limit": 25}',
        respond: answeringOperators(log, guard, (data) => look(unit, Object(parseJsonInput(data)))),
      },
    ],
  })
}
