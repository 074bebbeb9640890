import { join } from 'node:path'
import { goProgram } from '../support/go-program.ts'

/**
 * What reads a compose file as docker compose does, with the same library, and prints the model as
 * JSON; it needs no Docker engine.
 */
export function composeBinary(cache: string): Promise<string> {
  const sources = join(import.meta.dirname, 'compose-model')
  return goProgram(sources, 'compose-model', cache, 'about half a minute, 7 MB')
}
