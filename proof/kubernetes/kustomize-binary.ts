import { join } from 'node:path'
import { goProgram } from '../support/go-program.ts'

/** What renders a kustomization as kubectl does, with the same library; it needs no cluster. */
export function kustomizeBinary(cache: string): Promise<string> {
  const sources = join(import.meta.dirname, 'kustomize-build')
  return goProgram(sources, 'kustomize-build', cache, 'about two minutes, 20 MB')
}
