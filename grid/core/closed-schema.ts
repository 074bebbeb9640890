import type { TSchema } from 'typebox'

/** Keywords that hold one schema. */
const single = new Set([
  'items',
  'additionalItems',
  'contains',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'then',
  'else',
])
/** Keywords that hold a list of schemas; `items` may as well. */
const several = new Set(['items', 'prefixItems', 'allOf', 'anyOf', 'oneOf'])
/** Keywords that hold schemas by name. */
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions'])

/**
 * A copy of the schema whose objects take no fields beyond those they declare, unless they say
 * otherwise: a misspelt field is an error, not silence. Everything else stays, the members included
 * that TypeBox hides from loops (kinds, optionality, refinements).
 */
export const closedSchema = <S extends TSchema>(schema: S): S => closeNode(schema, false) as S

/**
 * A copy of the schema whose objects may have fields beyond those they declare, whatever they say:
 * a stored value may be of a version that knows more.
 */
export const openSchema = <S extends TSchema>(schema: S): S => openNode(schema) as S

function openNode(node: unknown): unknown {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node
  const copy = copyOf(node)
  for (const [name, child] of Object.entries(node))
    if (child === false && closing.has(name)) delete copy[name]
    else if (named.has(name)) copy[name] = eachNamed(child, openNode)
    else if (Array.isArray(child) && several.has(name)) copy[name] = child.map(openNode)
    else if (single.has(name)) copy[name] = openNode(child)
  return copy
}

const closing = new Set(['additionalProperties', 'unevaluatedProperties'])

/** `open`: a part of an intersection, which is closed as a whole. */
function closeNode(node: unknown, open: boolean): unknown {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node
  const copy = copyOf(node)
  for (const [name, child] of Object.entries(node)) {
    if (named.has(name)) copy[name] = eachNamed(child, closeNamed)
    else if (Array.isArray(child) && several.has(name)) {
      const parts = name === 'allOf' || (open && (name === 'anyOf' || name === 'oneOf'))
      copy[name] = child.map((item) => closeNode(item, parts))
    } else if (single.has(name)) copy[name] = closeNode(child, false)
  }
  if (open) return copy
  if (Array.isArray(copy.allOf)) copy.unevaluatedProperties ??= false
  else if (copy.type === 'object' && copy.properties) copy.additionalProperties ??= false
  return copy
}

const closeNamed = (schema: unknown): unknown => closeNode(schema, false)

function eachNamed(schemas: unknown, make: (schema: unknown) => unknown): unknown {
  if (typeof schemas !== 'object' || schemas === null) return schemas
  const copy = copyOf(schemas)
  for (const [name, schema] of Object.entries(schemas))
    Object.defineProperty(copy, name, { value: make(schema), ...plain })
  return copy
}

const plain = { enumerable: true, configurable: true, writable: true }

/** Of a frozen one too: the copy is changed before anybody sees it. */
function copyOf(node: object): Record<string, unknown> {
  const copy: object = Object.create(Object.getPrototypeOf(node) as object | null)
  for (const key of Reflect.ownKeys(node)) {
    const { enumerable = true } = Object.getOwnPropertyDescriptor(node, key) ?? {}
    const value: unknown = node[key as keyof typeof node]
    Object.defineProperty(copy, key, { value, ...plain, enumerable })
  }
  return copy as Record<string, unknown>
}
