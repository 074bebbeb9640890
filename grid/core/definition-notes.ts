import type { Space } from './definition.ts'
import { type Field, fieldOf } from './fields.ts'
import {
  type CacheShape,
  declaredShape,
  expiryIndex,
  ownCaches as ownShapes,
  type SpaceShape,
} from './shape.ts'
import type { AnyCache } from './transaction.ts'

/**
 * What the definition in the log has that a version of the application has not, or has otherwise.
 */
export interface DefinitionNote {
  readonly level: 'info' | 'warn'
  readonly cache: string
  /** Path of the field; undefined: the whole cache, or an index. */
  readonly field?: string
  readonly message: string
}

const ownCaches: ReadonlySet<string> = new Set(ownShapes.map(({ name }) => name))

/** Nothing of it keeps a version from working; warnings say what it would not see. */
export function definitionNotes(space: Space, shape: SpaceShape): DefinitionNote[] {
  const notes: DefinitionNote[] = []
  for (const logged of shape.caches) {
    if (ownCaches.has(logged.name)) continue
    const cache = space.caches.find(({ name }) => name === logged.name)
    if (cache) notes.push(...cacheNotes(cache, logged))
    else
      notes.push({
        level: 'info',
        cache: logged.name,
        message: `cache ${logged.name} is of another version: its entries are kept`,
      })
  }
  return notes
}

function cacheNotes(cache: AnyCache, logged: CacheShape): DefinitionNote[] {
  const own = new Map((declaredShape(cache).fields ?? []).map((text) => at(fieldOf(text))))
  const all = new Map((logged.fields ?? []).map((text) => at(fieldOf(text))))
  return [
    ...[...all].flatMap(([path, field]) => fieldNote(cache, own, all, path, field)),
    ...indexNotes(cache, logged, own),
  ]
}

const at = (field: Field): readonly [string, Field] => [field.path, field]

function fieldNote(
  cache: AnyCache,
  own: ReadonlyMap<string, Field>,
  all: ReadonlyMap<string, Field>,
  path: string,
  field: Field,
): DefinitionNote[] {
  const declared = own.get(path)
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('.')))
  const of = { cache: cache.name, field: path }
  if (!declared) {
    // What stands in a field that is not known is not known either.
    if (parent !== '' && all.has(parent) && !own.has(parent)) return []
    const message = `cache ${cache.name}: ${path} is of another version: it is kept where it stands`
    return [{ level: 'info', ...of, message }]
  }
  if (cache.evolution?.upcast) return []
  const others = field.types.filter((type) => !admits(declared, type))
  if (others.length === 0) return []
  const message =
    `cache ${cache.name}: ${path} may be ${others.join(' or ')} in another version, ` +
    `and is ${declared.types.join(' or ')} in this one`
  return [{ level: 'warn', ...of, message }]
}

function admits({ types }: Field, type: string): boolean {
  if (type === 'any' || types.includes('any') || types.includes(type)) return true
  return type === 'integer' && types.includes('number')
}

function indexNotes(
  cache: AnyCache,
  logged: CacheShape,
  own: ReadonlyMap<string, Field>,
): DefinitionNote[] {
  return logged.indexes.flatMap(({ name, fields }) => {
    const missing = fields.filter((field) => !own.has(field))
    if (missing.length === 0 || name === expiryIndex) return []
    const message =
      `cache ${cache.name}: index ${name} is of another version: what this one writes anew has no ` +
      `${missing.join(' and ')}, and is not in it`
    return [{ level: 'warn', cache: cache.name, message }]
  })
}
