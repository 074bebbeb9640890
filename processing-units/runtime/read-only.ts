/** The view of each object: there is one of it, and it is made once. */
const views = new WeakMap<object, object>()

/**
 * What can be read of a projection's model, and not changed, on any level: plain objects, lists,
 * maps, sets, and instances of classes without private members (their methods see the view too).
 * Dates and bytes are copies.
 */
export function readOnly<T>(model: T): T {
  if (typeof model !== 'object' || model === null) return model
  if (model instanceof Date || ArrayBuffer.isView(model)) return structuredClone(model)
  let view = views.get(model)
  if (!view) {
    view = model instanceof Map || model instanceof Set ? collectionView(model) : objectView(model)
    views.set(model, view)
  }
  return view as T
}

const refuse = (): never => {
  throw new TypeError("a projection's model is changed by its `apply` alone; change a copy")
}

const unchanged: ProxyHandler<object> = {
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  setPrototypeOf: refuse,
  preventExtensions: refuse,
}

/**
 * The engine holds a proxy's answers against its target: an empty one lets frozen objects show
 * views of what is in them.
 */
function objectView(model: object): object {
  const empty = Array.isArray(model) ? [] : Object.create(Object.getPrototypeOf(model))
  return new Proxy<object>(empty, {
    ...unchanged,
    get: (_, name, receiver) => readOnly(Reflect.get(model, name, receiver)),
    has: (_, name) => Reflect.has(model, name),
    ownKeys: () => Reflect.ownKeys(model),
    getOwnPropertyDescriptor(_, name) {
      const own = Reflect.getOwnPropertyDescriptor(model, name)
      if (!own) return undefined
      const configurable = !(Array.isArray(model) && name === 'length')
      return {
        value: readOnly(own.value),
        writable: true,
        enumerable: !!own.enumerable,
        configurable,
      }
    },
  })
}

const changing = new Set<PropertyKey>(['set', 'add', 'delete', 'clear'])

/** Their methods look for what only the collection itself has, never its proxy. */
function collectionView(model: Map<unknown, unknown> | Set<unknown>): object {
  return new Proxy<object>(model, {
    ...unchanged,
    get(_, name) {
      const member: unknown = Reflect.get(model, name, model)
      if (typeof member !== 'function' || name === 'constructor') return readOnly(member)
      if (changing.has(name)) return refuse
      return (...given: unknown[]) => shown(member.apply(model, given.map(shownTo)))
    },
  })
}

/** A callback of the application sees views too. */
const shownTo = (given: unknown): unknown =>
  typeof given === 'function'
    ? (...members: unknown[]) => given(...members.map((member) => readOnly(member)))
    : given

/** A map's iterators give pairs, made for whoever asks: what is in them counts. */
const shown = (result: unknown): unknown =>
  result instanceof Iterator
    ? result.map((item) =>
        Array.isArray(item) ? item.map((part) => readOnly(part)) : readOnly(item),
      )
    : readOnly(result)
