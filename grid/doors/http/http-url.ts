import { hostname } from 'node:os'

/** What listens on every address of the machine is reached by its loopback one. */
const loopback: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/**
 * How somebody on this machine reaches what listens on a host and port: an IPv6 address stands in
 * brackets (RFC 3986, 3.2.2).
 */
export function httpUrl(host: string, port: number, isSecure = false): string {
  const address = loopback[host] ?? host
  // A zone's percent sign is escaped in a URL (RFC 6874).
  return `http${isSecure ? 's' : ''}://${address.includes(':') ? `[${address.replace('%', '%25')}]` : address}:${port}`
}

/**
 * The same for somebody on another machine: what listens on every address is reached by the name of
 * its host, as a container is by its own.
 */
export const announcedUrl = (host: string, port: number, isSecure = false): string =>
  httpUrl(host in loopback ? hostname() : host, port, isSecure)
