import type { ServerName } from 'spacegrid/servers/server-name'

/**
 * What `inject()` gives to integration and end-to-end tests: the servers shared by the whole run.
 */
declare module 'vitest' {
  export interface ProvidedContext {
    natsUrl: string
    mongodbUrl: string
    redisUrl: string
    /** The servers that cannot be had on this machine; the tests that need them are skipped. */
    missingServers: ServerName[]
  }
}
