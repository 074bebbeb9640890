import type { Logger } from 'pino'
import type { Space } from '../core/definition.ts'
import { isGridError } from '../core/errors.ts'
import { AccessControl } from '../doors/request/access/access-control.ts'
import { AccessTelemetry } from '../doors/request/access/access-telemetry.ts'
import { ApiKeys } from '../doors/request/access/api-keys.ts'
import { AuditTrail } from '../doors/request/access/audit-trail.ts'
import { Authenticator } from '../doors/request/access/authenticator.ts'
import { Permissions } from '../doors/request/access/permissions.ts'
import { TokenVerifier, tokenAlgorithms } from '../doors/request/access/token-verifier.ts'
import type { Telemetry } from '../engine/ports/telemetry.ts'
import { AuditFile } from './audit-file.ts'
import type { Environment } from './environment.ts'
import { readKeys } from './key-file.ts'
import { isLoopbackHost } from './loopback.ts'
import { readPermissionFile, textOf, unknownNames } from './permission-file.ts'
import { keysAt, keysInFile, type TokenKeys } from './token-keys.ts'
import { WatchedFile } from './watched-file.ts'

/** Whether callers are asked who they are. */
export const asksWhoAsks = (environment: Environment): boolean =>
  (environment.AUTH_JWKS_URL ?? environment.AUTH_JWKS_FILE ?? environment.AUTH_KEYS_FILE) !==
  undefined

/** What whoever starts a grid should know, whose callers nobody asks; undefined: they are asked. */
export function openNotice(environment: Environment): string | undefined {
  const { HOST: host } = environment
  if (asksWhoAsks(environment) || isLoopbackHost(host)) return undefined
  return `OPEN TO EVERYBODY: HOST=${host} is no loopback address, and callers are not asked who they are. Whoever reaches the public port may do everything. Set AUTH_KEYS_FILE, AUTH_JWKS_URL or AUTH_JWKS_FILE (docs/security.md)`
}

/**
 * Who may what in a process, as its environment and its spaces have it. Files are read again when
 * they change, for as long as the process runs; what roles may is read once.
 * @returns undefined: callers are not asked who they are, and may everything
 * @throws GridError `configuration_invalid`
 */
export function accessOf(
  spaces: readonly Space[],
  environment: Environment,
  log: Logger,
  telemetry: Telemetry,
): AccessControl | undefined {
  const notice = openNotice(environment)
  if (notice !== undefined) log.warn(notice)
  const counts = new AccessTelemetry(telemetry)
  if (!asksWhoAsks(environment)) return undefined
  const { AUTH_PERMISSIONS_FILE: path } = environment
  const configured = path === undefined ? new Map<string, string[]>() : readPermissionFile(path)
  for (const line of unknownNames(configured, spaces)) log.warn(line)
  return new AccessControl({
    authenticator: authenticatorOf(environment, log),
    permissions: new Permissions(spaces, configured),
    audit: auditOf(environment, log, counts),
  })
}

function authenticatorOf(environment: Environment, log: Logger): Authenticator {
  const tokens = tokensOf(environment, log)
  const keys = environment.AUTH_KEYS_FILE && apiKeysOf(environment.AUTH_KEYS_FILE, log)
  return new Authenticator({ ...(tokens ? { tokens } : {}), ...(keys ? { keys } : {}) })
}

function tokensOf(environment: Environment, log: Logger): TokenVerifier | undefined {
  const keys = tokenKeysOf(environment, log)
  if (!keys) return undefined
  return new TokenVerifier(
    keys.keyOf,
    {
      issuer: environment.AUTH_ISSUER ?? '',
      audience: environment.AUTH_AUDIENCE?.split(',') ?? [],
      algorithms: environment.AUTH_ALGORITHMS?.split(',') ?? tokenAlgorithms,
      clockSkewMs: environment.AUTH_CLOCK_SKEW_MS,
      nameClaim: environment.AUTH_NAME_CLAIM,
      rolesClaim: environment.AUTH_ROLES_CLAIM,
      claims: environment.AUTH_CLAIMS?.split(',') ?? [],
    },
    Date.now,
  )
}

function tokenKeysOf(
  { AUTH_JWKS_URL: url, AUTH_JWKS_FILE: file }: Environment,
  log: Logger,
): TokenKeys | undefined {
  if (file !== undefined)
    return keysInFile(file, (error) =>
      log.error({ err: error }, 'the keys of tokens cannot be read: those before are kept'),
    )
  if (url === undefined) return undefined
  const { protocol, hostname } = new URL(url)
  if (protocol === 'http:' && !isLoopbackHost(hostname))
    log.warn(
      'AUTH_JWKS_URL is not https: whoever is between could hand out keys, and make tokens with them',
    )
  return keysAt(url)
}

/** A file that is gone has no keys; one that is broken leaves those that were there. */
function apiKeysOf(path: string, log: Logger): ApiKeys {
  const what = `AUTH_KEYS_FILE=${path}`
  const keys = new ApiKeys(readKeys(path, textOf(what, path)), Date.now)
  new WatchedFile(path, (text) => {
    try {
      const records = text === undefined ? [] : readKeys(path, text)
      keys.replace(records)
      log.info({ keys: records.length }, 'the API keys have been read again')
    } catch (error) {
      if (!isGridError(error)) throw error
      log.error({ err: error }, 'the API keys cannot be read: those before are kept')
    }
  })
  return keys
}

function auditOf(environment: Environment, log: Logger, telemetry: AccessTelemetry): AuditTrail {
  const { AUDIT_FILE: path, AUDIT_FILE_BYTES_MAX: bytesMax } = environment
  const channel = log.child({ channel: 'audit' })
  const file =
    path === undefined
      ? undefined
      : new AuditFile(path, bytesMax, (error) =>
          log.error({ err: error }, 'the audit trail cannot be written to its file'),
        )
  return new AuditTrail({
    now: Date.now,
    telemetry,
    write: (record) => {
      channel.info(record, `${record.kind} ${record.what ?? ''}`.trim())
      file?.write(record)
    },
  })
}
