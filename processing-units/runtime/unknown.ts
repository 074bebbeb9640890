import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { calledCommands } from '@spacegrid/grid/core/parts'

const namesIn = {
  command: (space: Space) => calledCommands(space).map(({ name }) => name),
  query: ({ queries }: Space) => [...queries.keys()],
  cache: ({ caches }: Space) => caches.map(({ name }) => name),
}

/** What is asked for is not in the space; the error says what is. */
export function unknownIn(space: Space, what: keyof typeof namesIn, name: string): GridError {
  const known = namesIn[what](space)
  const isPart = what === 'command' && space.commands.has(name)
  const why = isPart ? `takes ${name} only as a part of others` : `has no ${what} ${name}`
  return new GridError(
    `unknown_${what}`,
    `Space ${space.name} ${why}; it has ${known.join(', ')}`,
    { details: { known } },
  )
}
