import type { Space } from '@spacegrid/grid/core/definition'

/**
 * The spaces that a module exports: by default, one or a list of them, or by name; each once,
 * however often it is exported. Told by their shape, so that a space of another copy of the library
 * is one too.
 */
export function spacesOfModule(exported: Readonly<Record<string, unknown>>): Space[] {
  const { default: byDefault, ...named } = exported
  const candidates = [byDefault, ...Object.values(named)].flat()
  return [...new Set(candidates.filter(isSpace))]
}

function isSpace(value: unknown): value is Space {
  if (typeof value !== 'object' || value === null) return false
  const { name, caches, commands, queries, projections } = value as Partial<Space>
  return (
    typeof name === 'string' &&
    Array.isArray(caches) &&
    isMap(commands) &&
    isMap(queries) &&
    Array.isArray(projections)
  )
}

const isMap = (value: unknown): boolean => value instanceof Map
