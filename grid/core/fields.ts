import { typesOf } from './schema-check.ts'

/**
 * The fields of a schema as the definition in the log tells them, `path:types`:
 * `price:number|string`, `address.street:string`. An item of a list, or a member of any name, is
 * `*`.
 */
export type FieldText = string

/** Of one cache and one version; what a schema has beyond is not told. */
const declaredFieldsMax = 500
/** Of one cache, all versions together. */
export const fieldsMax = 2000
const pathDepthMax = 8
const pathLengthMax = 900

interface Node {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly patternProperties?: Readonly<Record<string, unknown>>
  readonly additionalProperties?: unknown
  readonly items?: unknown
  readonly prefixItems?: readonly unknown[]
  readonly anyOf?: readonly unknown[]
  readonly oneOf?: readonly unknown[]
  readonly allOf?: readonly unknown[]
}

/** @param stored what a field of the schema is called where it is stored */
export function fieldsOf(schema: unknown, stored: (field: string) => string): FieldText[] {
  const found = new Map<string, Set<string>>()
  collect(schema, '', found, stored)
  return [...found]
    .filter(([path]) => path.length <= pathLengthMax && path.isWellFormed())
    .slice(0, declaredFieldsMax)
    .map(([path, types]) => textOf(path, types))
    .sort()
}

function collect(
  schema: unknown,
  path: string,
  found: Map<string, Set<string>>,
  stored: (field: string) => string,
): void {
  if (typeof schema !== 'object' || schema === null) return
  if (path.split('.').length > pathDepthMax) return
  const node = schema as Node
  const under = (name: string) => (path === '' ? stored(name) : `${path}.${name}`)
  const add = (name: string, child: unknown) => {
    const at = under(name)
    const types = found.get(at) ?? new Set<string>()
    for (const type of typesOf(child) ?? ['any']) types.add(type)
    found.set(at, types)
    collect(child, at, found, stored)
  }
  for (const [name, child] of Object.entries(node.properties ?? {})) add(name, child)
  const anyName = [...Object.values(node.patternProperties ?? {}), node.additionalProperties]
  for (const child of [...anyName, ...[node.items].flat(), ...(node.prefixItems ?? [])])
    if (typeof child === 'object' && child !== null) add(anyMember, child)
  for (const part of [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])])
    collect(part, path, found, stored)
}

export const anyMember = '*'

const textOf = (path: string, types: Iterable<string>): FieldText =>
  `${path}:${[...types].sort().join('|')}`

export interface Field {
  readonly path: string
  readonly types: readonly string[]
}

export function fieldOf(text: FieldText): Field {
  const at = text.lastIndexOf(':')
  return { path: text.slice(0, at), types: text.slice(at + 1).split('|') }
}

/**
 * `current` with what `wanted` has beyond it; `current` itself when that is nothing, or when there
 * is no more room.
 */
export function mergeFields(
  current: readonly FieldText[],
  wanted: readonly FieldText[],
): readonly FieldText[] {
  const known = new Set(current)
  if (wanted.every((text) => known.has(text))) return current
  const merged = new Map<string, Set<string>>()
  for (const text of [...current, ...wanted]) {
    const { path, types } = fieldOf(text)
    const all = merged.get(path) ?? new Set()
    if (all.size === 0 && merged.size >= fieldsMax) continue
    for (const type of types) all.add(type)
    merged.set(path, all)
  }
  const texts = [...merged].map(([path, types]) => textOf(path, types))
  return texts.every((text) => known.has(text)) ? current : texts
}
