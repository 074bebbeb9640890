import proxyAddr from '@fastify/proxy-addr'

/** Gateways are few. Whoever connects from more addresses than this is looked at again. */
const knownMax = 1024

/**
 * Whether an address is that of a trusted proxy, for fastify's `trustProxy`; undefined: none is. An
 * overloaded unit asks for each request who has sent it, and to work that out takes longer than to
 * refuse it: what has been found out is remembered.
 */
export function trustedProxies(
  proxies: readonly string[],
): ((address: string, hop: number) => boolean) | undefined {
  if (proxies.length === 0) return undefined
  const trusts = proxyAddr.compile([...proxies])
  const known = new Map<string, boolean>()
  return (address, hop) => {
    let trusted = known.get(address)
    if (trusted === undefined) {
      trusted = trusts(address, hop)
      if (known.size >= knownMax) known.clear()
      known.set(address, trusted)
    }
    return trusted
  }
}
