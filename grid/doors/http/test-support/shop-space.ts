import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'

const products = defineCache('products', {
  schema: Type.Object({
    id: Type.String({ minLength: 1 }),
    price: Type.Integer({ minimum: 0 }),
    tags: Type.Array(Type.String()),
  }),
  key: 'id',
})

const putProduct = defineCommand('putProduct', {
  description: 'Creates or replaces a product',
  input: Type.Object({
    id: Type.String({ minLength: 1 }),
    price: Type.Integer({ minimum: 0 }),
    tags: Type.Optional(Type.Array(Type.String())),
  }),
  result: Type.Object({ id: Type.String(), tags: Type.Integer() }),
  handler: (tx, { id, price, tags = [] }) => {
    tx.put(products, { id, price, tags })
    return { id, tags: tags.length }
  },
})

const raisePrice = defineCommand('raisePrice', {
  input: Type.Object({ id: Type.String(), by: Type.Integer() }),
  handler: (tx, { id, by }) => {
    const product = tx.get(products, id)
    if (!product) return tx.reject('no_such_product', { id })
    tx.put(products, { ...product, price: product.price + by })
  },
})

/**
 * Its result does not fit its schema, and one kind of input makes its handler fail: mistakes
 * applications make.
 */
const misbehave = defineCommand('misbehave', {
  input: Type.Object({ how: Type.Optional(Type.Unknown()) }),
  result: Type.Object({ needed: Type.String() }),
  // @ts-expect-error: the compiler says so too
  handler: (_tx, { how }) => {
    if (how === 'throw') throw new TypeError('secret of the application')
    return { other: 1 }
  },
})

const product = defineQuery('product', {
  input: Type.Object({ id: Type.String() }),
  result: products.schema,
  handler: (read, { id }) => read.get(products, id) ?? read.notFound(`No product ${id}`),
})

const echo = defineQuery('echo', {
  description: 'Answers its input',
  input: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    ratio: Type.Optional(Type.Number()),
    open: Type.Optional(Type.Boolean()),
    text: Type.Optional(Type.String()),
    sort: Type.Optional(Type.Union([Type.Literal('up'), Type.Literal('down')])),
    most: Type.Optional(Type.Union([Type.Integer(), Type.Literal('all'), Type.Null()])),
    ids: Type.Optional(Type.Array(Type.String())),
    sizes: Type.Optional(Type.Array(Type.Integer())),
    box: Type.Optional(Type.Object({ width: Type.Number() })),
  }),
  handler: (_read, input) => input,
})

export const shop = defineSpace('shop', {
  description: 'Products and their prices',
  caches: [products],
  commands: [putProduct, raisePrice, misbehave],
  queries: [product, echo],
})

export const depot = defineSpace('depot', {
  caches: [defineCache('boxes', { schema: Type.Object({ id: Type.String() }), key: 'id' })],
})
