import { isIP } from 'node:net'

/** Whether a host, as URLs and the `Host` header name it, is this machine and can be no other. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return isIP(name) === 4 ? name.startsWith('127.') : name === 'localhost' || name === '::1'
}
