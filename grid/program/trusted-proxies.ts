import { isIP } from 'node:net'

/** Names of networks: those that fastify (`@fastify/proxy-addr`) knows. */
const namedNetworks: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal'])
const bitsMax: Readonly<Record<number, number>> = { 4: 32, 6: 128 }

export const trustedProxiesAllowed =
  'comma-separated addresses, networks such as 10.0.0.0/8, loopback, linklocal or uniquelocal'

/**
 * Whether a list names proxies only. A whole family (`0.0.0.0/0`) is none: everybody could then say
 * who they are.
 */
export const areTrustedProxies = (list: string): boolean =>
  list.split(',').every((proxy) => namedNetworks.has(proxy) || isNetwork(proxy))

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) return false
  if (bits === undefined) return true
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (bitsMax[family] ?? 0)
}
