import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server as TlsServer } from 'node:tls'
import { GridError } from '../../core/errors.ts'
import type { FaultLog } from '../request/public-error.ts'

/** Where a certificate and its key are, as PEM; both may be in one file. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** How often the files are looked at, ms. */
const lookMs = 2000
/** Of a connection, before anything is asked on it, ms. */
const handshakeMs = 10_000

/**
 * What a server of HTTPS is made with.
 * @throws GridError `configuration_invalid`: a file cannot be read
 */
export const tlsOptionsOf = (files: TlsFiles) => ({
  ...contextOf(files),
  minVersion: 'TLSv1.2' as const,
  handshakeTimeout: handshakeMs,
})

/**
 * Takes over certificates that have been renewed, for connections that come from then on: when a
 * file changes, and on SIGHUP. One that cannot be used is told, and the one before stays.
 * @returns what ends it
 */
export function followTlsFiles(server: TlsServer, files: TlsFiles, log: FaultLog): () => void {
  const paths = [...new Set([files.certFile, files.keyFile])]
  const renew = () => {
    try {
      server.setSecureContext(contextOf(files))
    } catch (error) {
      log.error({ err: error }, 'the certificate of HTTP is not renewed: the one before stays')
    }
  }
  for (const path of paths) watchFile(path, { interval: lookMs, persistent: false }, renew)
  process.on('SIGHUP', renew)
  return () => {
    for (const path of paths) unwatchFile(path, renew)
    process.off('SIGHUP', renew)
  }
}

const contextOf = ({ certFile, keyFile }: TlsFiles) => ({
  cert: contentOf('TLS_CERT_FILE', certFile),
  key: contentOf('TLS_KEY_FILE', keyFile),
})

function contentOf(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new GridError('configuration_invalid', `${variable}=${file} cannot be read (${code})`, {
      cause,
    })
  }
}
