import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'

const namesIn = {
  command: ({ commands }: Space) => [...commands.keys()],
  query: ({ queries }: Space) => [...queries.keys()],
  cache: ({ caches }: Space) => caches.map(({ name }) => name),
}

/** What is asked for is not in the space; the error says what is. */
export function unknownIn(space: Space, what: keyof typeof namesIn, name: string): GridError {
  const known = namesIn[what](space)
  return new GridError(
    `unknown_${what}`,
    `Space ${space.name} has no ${what} ${name}; it has ${known.join(', ')}`,
    { details: { known } },
  )
}
