import { anyValue, type Chances } from './any-value.ts'

/**
 * Something that answers otherwise each time that it is looked at, or may: with accessors and
 * proxies at any depth, beside what is plain.
 */
export function fickleValue(chances: Chances, depth = 3): unknown {
  const member = () =>
    chances.in(2) && depth > 0 ? fickleValue(chances, depth - 1) : chances.oneOf([5, 'text', null])
  const members = Object.fromEntries(
    Array.from({ length: 1 + chances.below(3) }, (_, at) => [`m${at}`, member()]),
  )
  const whole = chances.in(3) ? Object.values(members) : members
  const fickle = chances.in(3) ? proxied(whole, chances) : withAccessor(whole, chances)
  return chances.in(4) ? Object.freeze(fickle) : fickle
}

/** Most often something good. */
const asked = (chances: Chances): unknown =>
  chances.in(3) ? anyValue(chances) : chances.oneOf([1, 'a', true, null, [1], { n: 1 }])

function withAccessor(whole: object, chances: Chances): object {
  const name = Array.isArray(whole) ? chances.below(whole.length) : chances.oneOf(['id', 'm0', 'n'])
  const get = () => asked(chances)
  return Object.defineProperty(whole, name, { get, enumerable: true, configurable: true })
}

const proxied = (whole: object, chances: Chances): object =>
  new Proxy(whole, {
    get(target, name, receiver) {
      const isOwn = typeof name === 'string' && Object.hasOwn(target, name) && name !== 'length'
      return isOwn && !Object.isFrozen(target)
        ? asked(chances)
        : Reflect.get(target, name, receiver)
    },
  })
