import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MixedVersions } from '../kit/mixed-versions.ts'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import type { AnyCache } from './transaction.ts'

/**
 * What a field is in one version: its present name, whether it must be there, its default where it
 * is not stored. Fields are known by the name under which they were born, which is the one under
 * which they are stored.
 */
interface FieldModel {
  readonly born: string
  readonly name: string
  readonly required: boolean
  readonly preset: number | undefined
}
type VersionModel = readonly FieldModel[]

type Change =
  | { readonly kind: 'add'; readonly preset: number | undefined }
  | { readonly kind: 'rename' | 'drop'; readonly at: number }

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    preset: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constantFrom('rename' as const, 'drop' as const),
    at: fc.nat({ max: 5 }),
  }),
)

/** Every version follows the one before it; a field that others require is not dropped. */
function evolve(changes: readonly (readonly Change[])[]): VersionModel[] {
  const versions: VersionModel[] = [[{ born: 'f0', name: 'f0', required: true, preset: undefined }]]
  let count = 1
  for (const step of changes) {
    let fields = versions.at(-1) ?? []
    for (const it of step) {
      if (it.kind === 'add') {
        const born = `f${count++}`
        const field = { born, name: born, required: it.preset !== undefined, preset: it.preset }
        fields = [...fields, field]
        continue
      }
      const field = fields[it.at]
      if (!field) continue
      if (it.kind === 'rename') {
        const renamed = { ...field, name: `f${count++}` }
        fields = fields.map((other) => (other === field ? renamed : other))
      } else if (!field.required) fields = fields.filter((other) => other !== field)
    }
    versions.push(fields)
  }
  return versions
}

function cacheOf(fields: VersionModel): AnyCache {
  const properties = fields.map(({ name, required }) => [
    name,
    required ? Type.Integer() : Type.Optional(Type.Integer()),
  ])
  return defineCache('things', {
    schema: Type.Object({ id: Type.String(), ...Object.fromEntries(properties) }),
    key: 'id',
    renamed: Object.fromEntries(
      fields.filter(({ born, name }) => born !== name).map(({ born, name }) => [born, name]),
    ) as never,
    defaults: Object.fromEntries(
      fields.filter(({ preset }) => preset !== undefined).map(({ name, preset }) => [name, preset]),
    ) as never,
  }) as AnyCache
}

/** What a version reads of what is stored: the specification. */
function readBy(fields: VersionModel, stored: ReadonlyMap<string, number>): Value {
  const read: Record<string, unknown> = { id: 'a' }
  for (const [born, value] of stored)
    read[fields.find((field) => field.born === born)?.name ?? born] = value
  for (const { name, preset } of fields)
    if (preset !== undefined && read[name] === undefined) read[name] = preset
  return read
}

const action = fc.record({
  version: fc.nat({ max: 4 }),
  what: fc.constantFrom('spread', 'fresh', 'increment'),
  field: fc.nat({ max: 5 }),
  value: fc.integer({ min: 0, max: 99 }),
})

test('whatever fields come, go and are renamed, every version reads what the specification says', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(change, { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
      fc.array(action, { minLength: 1, maxLength: 20 }),
      (changes, actions) => {
        const models = evolve(changes)
        const caches = models.map(cacheOf)
        const versions = new MixedVersions()
        for (const cache of caches)
          expect(versions.announce(defineSpace('space', { caches: [cache] }))).toBe(true)
        let stored: Map<string, number> | undefined
        for (const { version: at, what, field: place, value } of actions) {
          const fields = models[at % models.length] as VersionModel
          const cache = caches[at % models.length] as AnyCache
          const field = fields[place % fields.length] as FieldModel
          if (what === 'increment') {
            if (!stored) continue
            versions.run([cache], (tx) => tx.increment(cache, 'a', field.name, value))
            const isFilled = stored.has(field.born) || !field.preset
            // What has a default of its own is written with all of them: as the version reads it.
            if (!isFilled) stored = fill(fields, stored)
            stored.set(field.born, (stored.get(field.born) ?? 0) + value)
          } else if (what === 'spread' && stored) {
            versions.run([cache], (tx) =>
              tx.put(cache, { ...(tx.get(cache, 'a') as object), [field.name]: value }),
            )
            stored = fill(fields, stored)
            stored.set(field.born, value)
          } else {
            const all = fields.filter((it) => it.required || it === field)
            versions.run([cache], (tx) =>
              tx.put(cache, {
                id: 'a',
                ...Object.fromEntries(all.map(({ name }) => [name, value])),
              }),
            )
            stored = new Map(all.map(({ born }) => [born, value]))
          }
          expect(versions.stored(cache, 'a')).toEqual({ id: 'a', ...Object.fromEntries(stored) })
          for (const [i, model] of models.entries())
            expect(versions.read(caches[i] as AnyCache, 'a')).toEqual(readBy(model, stored))
        }
        expect(versions.replica.digest.toString()).toBe(versions.state.digest.toString())
        expect(versions.replica.header()).toEqual(versions.state.header())
      },
    ),
    { numRuns: 300 },
  )
})

/** With the defaults of a version written out. */
function fill(fields: VersionModel, stored: ReadonlyMap<string, number>): Map<string, number> {
  const filled = new Map(stored)
  for (const { born, preset } of fields)
    if (preset !== undefined && !filled.has(born)) filled.set(born, preset)
  return filled
}
