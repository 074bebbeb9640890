import { type ConnectionOptions, nkeyAuthenticator, nkeys, type TlsOptions } from 'nats'
import { GridError } from '../../core/errors.ts'
import { contentOf } from '../url-files.ts'
import { inboxPrefixOf } from './role-permissions.ts'

/** What a URL of NATS says, for the driver. */
export interface NatsAddress {
  readonly servers: readonly string[]
  readonly tls: TlsOptions | undefined
  readonly credentials: Pick<ConnectionOptions, 'token' | 'user' | 'pass' | 'authenticator'>
  /** Of those that have an nkey. */
  readonly inboxPrefix: string | undefined
}

/** Everything that may stand behind the question mark, each the path of a file. */
const parameters = ['nkeyFile', 'tlsCAFile', 'tlsCertificateKeyFile'] as const
type Parameter = (typeof parameters)[number]

/**
 * Reads a comma-separated list such as `nats://user:password@one:4222,two:4222`. What the servers
 * are to be asked with is said once, by the first that says it:
 *
 * - `nkeyFile`: a file with the seed of an nkey. It is read again for every connection. Answers
 *   come in below `_INBOX.` and its public key
 * - `tlsCAFile`: who has signed the servers' certificates; then TLS is a must, as with `tls://`
 * - `tlsCertificateKeyFile`: our own certificate and its key, for servers that ask for it
 *
 * @throws GridError `configuration_invalid`
 */
export function natsAddressOf(natsUrl: string): NatsAddress {
  const urls = natsUrl
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseServer)
  if (urls.length === 0) throw new GridError('configuration_invalid', 'NATS_URL names no server')
  const said = (name: Parameter) =>
    urls.map(({ searchParams }) => searchParams.get(name)).find((value) => value) ?? undefined
  const nkeyFile = said('nkeyFile')
  const seed = nkeyFile === undefined ? undefined : () => seedIn(nkeyFile)
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || '4222'}`),
    tls: tlsOf(
      urls.some((url) => url.protocol === 'tls:'),
      said('tlsCAFile'),
      said('tlsCertificateKeyFile'),
    ),
    credentials: seed
      ? { authenticator: nkeyAuthenticator(seed) }
      : passwordOf(urls.find((url) => url.username !== '')),
    inboxPrefix: seed && inboxPrefixOf(nkeys.fromSeed(seed()).getPublicKey()),
  }
}

function tlsOf(
  wanted: boolean,
  caFile: string | undefined,
  ownFile: string | undefined,
): TlsOptions | undefined {
  if (!wanted && caFile === undefined && ownFile === undefined) return undefined
  // The driver reads them for every connection; what cannot be read now is told now.
  for (const file of [caFile, ownFile]) if (file !== undefined) contentOf('NATS_URL', file)
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(ownFile === undefined ? {} : { certFile: ownFile, keyFile: ownFile }),
  }
}

function passwordOf(url: URL | undefined): NatsAddress['credentials'] {
  if (url === undefined) return {}
  const user = decodeURIComponent(url.username)
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) }
}

function seedIn(file: string): Uint8Array {
  const seed = contentOf('NATS_URL', file).trim()
  try {
    const bytes = new TextEncoder().encode(seed)
    nkeys.fromSeed(bytes)
    return bytes
  } catch {
    // What is in it stays out of the message: it may be half of a key, or another secret.
    throw new GridError('configuration_invalid', `NATS_URL: ${file} holds no seed of an nkey`)
  }
}

function parseServer(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url === null || url.hostname === '' || !['nats:', 'tls:'].includes(url.protocol)) {
    // The text itself stays out of the message: it may hold a password.
    throw new GridError('configuration_invalid', 'NATS_URL must be nats://host:port, … or tls://…')
  }
  const unknown = [...url.searchParams.keys()].find((key) => !parameters.some((it) => it === key))
  if (unknown !== undefined)
    throw new GridError(
      'configuration_invalid',
      `NATS_URL has ?${unknown}: known are ${parameters.join(', ')}`,
    )
  return url
}
