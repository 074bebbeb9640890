import type { TObject } from 'typebox'
import type { AnyCommand, AnyQuery } from './definition.ts'
import { checkSynchronous } from './definition-checks.ts'
import { type PartitionBy, partitionsMax } from './partition.ts'
import { typesOf } from './schema-check.ts'
import type { AnyCache, PartitionKey } from './transaction.ts'

/**
 * What decides on a partition, as it is declared.
 * @throws TypeError when a field is not there in every value, or can be nothing that is hashed
 */
export function takePartitionBy(
  what: string,
  schema: TObject,
  declared: PartitionKey | undefined,
  option = 'partitionBy',
): PartitionBy | undefined {
  if (declared === undefined) return undefined
  const partitionBy = normalized(`${what}: ${option}`, declared)
  const { fields } = partitionBy
  if (fields.length === 0) throw new TypeError(`${what}: ${option} names no field`)
  for (const field of fields) {
    if (typeof field !== 'string' || !Object.hasOwn(schema.properties, field))
      throw new TypeError(`${what}: ${option} names the unknown field ${String(field)}`)
    if (!schema.required?.includes(field))
      throw new TypeError(`${what}: ${option} names ${field}, which is not always there`)
    const types = [...(typesOf(schema.properties[field]) ?? ['anything'])]
    const { allowed, text } = allowedIn(partitionBy)
    if (!types.every((type) => allowed.includes(type)))
      throw new TypeError(`${what}: ${option} names ${field}, which must be ${text}`)
  }
  return partitionBy
}

function allowedIn({ isId, until }: PartitionBy) {
  if (isId) return { allowed: ['string'], text: 'a text that holds an id' }
  if (until !== undefined) return { allowed: ['string'], text: 'a text' }
  const allowed = ['string', 'integer', 'boolean']
  return { allowed, text: 'a text, a whole number (Type.Integer) or a boolean' }
}

function normalized(what: string, declared: PartitionKey): PartitionBy {
  if (typeof declared === 'string') return { fields: [declared], isId: false }
  if (Array.isArray(declared)) return { fields: [...declared], isId: false }
  const options = Object(declared) as Readonly<Record<string, unknown>>
  const { idOf, prefixOf, until } = options
  if (idOf !== undefined) return { fields: [idOf as string], isId: true }
  if (prefixOf === undefined)
    throw new TypeError(
      `${what} must be a field, a list of fields, { idOf: field } or { prefixOf: field, until: text }`,
    )
  if (typeof until !== 'string' || until === '')
    throw new TypeError(`${what}: until must be the text behind the prefix`)
  return { fields: [prefixOf as string], isId: false, until }
}

/** A command that consists of parts does nothing itself, and is nowhere itself. */
export function checkConsists(
  what: string,
  options: Readonly<Partial<Record<'handler' | 'parts' | 'partitionBy' | 'partOnly', unknown>>>,
): void {
  checkSynchronous(`${what}: parts`, options.parts)
  const { handler, partitionBy, partOnly } = options
  if (handler !== undefined)
    throw new TypeError(`${what} has parts and a handler: its parts do the work`)
  if (partitionBy !== undefined)
    throw new TypeError(
      `${what} has parts and partitionBy: each part says in which partition it is`,
    )
  if (partOnly) throw new TypeError(`${what} has parts: it cannot be a part of others itself`)
}

interface Divided {
  readonly name: string
  readonly caches: readonly AnyCache[]
  readonly commands: ReadonlyMap<string, AnyCommand>
  readonly queries: ReadonlyMap<string, AnyQuery>
  readonly partitions: number
}

/** @throws TypeError when something of a space with several partitions does not say where it is */
export function checkPartitioned({ name, caches, commands, queries, partitions }: Divided): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax)
    throw new TypeError(
      `space ${name}: partitions must be a whole number from 1 to ${partitionsMax}`,
    )
  if (partitions === 1) return
  const lacks = (what: string, needs: string) => {
    throw new TypeError(`space ${name} has ${partitions} partitions, and ${what} has no ${needs}`)
  }
  for (const cache of caches) if (!cache.partitionBy) lacks(`cache ${cache.name}`, 'partitionBy')
  for (const command of commands.values())
    if (!command.partitionBy && !command.parts)
      lacks(`command ${command.name}`, 'partitionBy and no parts')
  for (const query of queries.values())
    if (!query.partitionBy && !query.everyPartition)
      lacks(`query ${query.name}`, 'partitionBy and no everyPartition')
}
