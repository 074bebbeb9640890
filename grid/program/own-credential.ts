import type { Environment } from './environment.ts'

/** How commands, and the console, say who they are: as `AUTH_TOKEN` has it, or not at all. */
export function ownCredential({ AUTH_TOKEN: token }: Environment): string | undefined {
  if (token === undefined) return undefined
  return token.startsWith('sgk_') ? `Api-Key ${token}` : `Bearer ${token}`
}

/** The same as headers of a request. */
export function ownHeaders(environment: Environment): Readonly<Record<string, string>> {
  const credential = ownCredential(environment)
  return credential === undefined ? {} : { authorization: credential }
}
