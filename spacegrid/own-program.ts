import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of this house's modules: `.ts` in the repository, `.js` where they have been compiled. */
const extension = extname(fileURLToPath(import.meta.url))

/**
 * A module of this house that runs as a process of its own, as `node` takes it, in the repository
 * and where it has been compiled.
 *
 *     fork(ownProgram(new URL('./worker.ts', import.meta.url)))
 *
 * The URL stands there in one piece: whoever builds the package finds by it what belongs into it.
 */
export const ownProgram = (module: URL): string =>
  fileURLToPath(module).replace(/\.[jt]s$/, extension)

/** The command line itself, for those who start its commands as processes. */
export const spacegridProgram = ownProgram(new URL('./cli.ts', import.meta.url))
