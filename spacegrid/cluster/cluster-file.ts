import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterUrls } from './cluster-options.ts'
import type { ProcessRow } from './process-cluster.ts'

/** What a cluster has written in its data directory: where it is, and what it is made of. */
export interface ClusterFile {
  readonly urls: ClusterUrls
  /** Each as `SPACES` has it. */
  readonly spaces: readonly string[]
  readonly processes: readonly ProcessRow[]
}

/**
 * Undefined: no cluster was ever started there.
 * @throws SyntaxError somebody else has written the file
 */
export async function readClusterFile(dataDirectory: string): Promise<ClusterFile | undefined> {
  const text = await readFile(join(dataDirectory, 'cluster.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as ClusterFile)
}
