import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Environment } from '@spacegrid/grid/program/environment'
import { namedSpaces } from '@spacegrid/grid/program/named-spaces'
import { loadApplication } from '../application/load-application.ts'
import { serveEmbedded } from '../embedded/serve-embedded.ts'
import { welcome } from './welcome.ts'

export interface ServeOptions {
  /** What is said once it serves is JSON, in one line. */
  readonly json: boolean
  /** Nothing is said. */
  readonly isQuiet?: boolean
  /** Told once it serves. */
  readonly serving?: () => void
}

/** @throws GridError `configuration_invalid` */
export async function serveApplication(
  files: readonly string[],
  options: ServeOptions,
): Promise<void> {
  await serveSpaces(async () => (await loadApplication(files)).spaces, options)
}

/** @throws GridError `configuration_invalid` */
export async function serveSpaces(
  find: () => readonly Space[] | Promise<readonly Space[]>,
  { json, isQuiet = false, serving }: ServeOptions,
): Promise<void> {
  let spaces: readonly Space[] = []
  await serveEmbedded(
    async (environment) => {
      spaces = chosen(await find(), environment)
      return spaces
    },
    (place) => {
      serving?.()
      if (!isQuiet)
        process.stdout.write(json ? `${JSON.stringify(place)}\n` : welcome(place, spaces))
    },
  )
}

/** Those that `SPACES` names; all of them when it is not set. */
function chosen(all: readonly Space[], { SPACES }: Environment): readonly Space[] {
  const names = SPACES === undefined ? undefined : namedSpaces(SPACES).map(({ name }) => name)
  for (const name of names ?? [])
    if (!all.some((space) => space.name === name))
      throw new GridError(
        'configuration_invalid',
        `SPACES=${JSON.stringify(SPACES)}: allowed are ${all.map((space) => space.name).join(', ')}`,
      )
  return all.filter(({ name }) => names?.includes(name) ?? true)
}
