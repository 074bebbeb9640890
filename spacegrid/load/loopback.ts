import { isLoopbackHost } from '@spacegrid/grid/program/loopback'

/**
 * Whether a URL leads to this machine. Load sent by mistake to somebody else's address is an
 * attack, so only names that cannot lead elsewhere count: a name server has no say in them (RFC
 * 6761, section 6.3).
 */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return isLoopbackHost(host) || host.endsWith('.localhost')
}
