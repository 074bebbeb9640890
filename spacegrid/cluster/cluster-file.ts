import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterUrls, ProcessRow } from './process-cluster.ts'

/** What a cluster has written in its data directory: where it is, and what it is made of. */
export interface ClusterFile {
  readonly urls: ClusterUrls
  /** Each as `SPACES` has it. */
  readonly spaces: readonly string[]
  readonly processes: readonly ProcessRow[]
}

/** Undefined: no cluster was ever started there. */
export async function readClusterFile(dataDirectory: string): Promise<ClusterFile | undefined> {
  try {
    return JSON.parse(await readFile(join(dataDirectory, 'cluster.json'), 'utf8')) as ClusterFile
  } catch {
    // There is no such file: whoever writes it does so in one go.
    return undefined
  }
}
