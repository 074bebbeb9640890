import { isIP } from 'node:net'

/**
 * Whether a URL leads to this machine. Load sent by mistake to somebody else's address is an
 * attack, so only names that cannot lead elsewhere count: a name server has no say in them (RFC
 * 6761, section 6.3).
 */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(host) === 4) return host.startsWith('127.')
  if (isIP(host) === 6) return host === '::1'
  return host === 'localhost' || host.endsWith('.localhost')
}
