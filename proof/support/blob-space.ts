import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/*
 * A space whose only business is to take memory: its commands store texts of as many bytes as they
 * are told, and delete them again.
 */

const blobs = defineCache('blobs', {
  schema: Type.Object({ id: Type.String(), text: Type.String() }),
  key: 'id',
})

const store = defineCommand('store', {
  input: Type.Object({
    id: Type.String({ minLength: 1, maxLength: 64 }),
    bytes: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
  }),
  handler: (tx, { id, bytes }) => {
    // Flat, and no two alike: what is repeated would be kept once.
    tx.put(blobs, { id, text: Buffer.alloc(bytes, `${id} `).toString('latin1') })
    return {}
  },
})

const remove = defineCommand('remove', {
  input: Type.Object({ ids: Type.Array(Type.String(), { maxItems: 1000 }) }),
  handler: (tx, { ids }) => {
    for (const id of ids) tx.delete(blobs, id)
    return {}
  },
})

const size = defineQuery('size', {
  input: Type.Object({ id: Type.String() }),
  handler: (view, { id }) => ({
    bytes: view.get(blobs, id)?.text.length ?? 0,
    count: view.count(blobs),
  }),
})

export default defineSpace('blobs', { caches: [blobs], commands: [store, remove], queries: [size] })
