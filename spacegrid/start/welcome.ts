import type { Space } from '@spacegrid/grid/core/definition'
import { calledCommands } from '@spacegrid/grid/core/parts'
import type { EmbeddedPlace } from '../embedded/serve-embedded.ts'
import { exampleInput } from './example-input.ts'

/** What a newcomer sees: where things are, and one line to try. */
export function welcome(
  { spaces: names, url, adminUrl, dataDirectory, asksWhoAsks }: EmbeddedPlace,
  spaces: readonly Space[],
): string {
  return `Spacegrid is serving ${names.join(' and ')}, two processing units each, data in ${dataDirectory}

  console        ${url}
  HTTP           ${url}
  documentation  ${url}/docs
  status         ${adminUrl}/status

${asksWhoAsks ? 'Callers are asked who they are (docs/security.md).' : 'Open: nobody is asked who they are, and whoever reaches this address may do everything\n(docs/security.md says how to change that).'}

Try:
  ${tryOut(spaces, url)}

Ctrl-C stops it; started again it goes on where it was.
`
}

/** The first command that an input is known for. */
function tryOut(spaces: readonly Space[], url: string): string {
  for (const space of spaces)
    for (const { name, input } of calledCommands(space)) {
      const example = exampleInput(input)
      if (example === undefined) continue
      const body = JSON.stringify(example).replaceAll("'", "'\\''")
      return `curl ${url}/${space.name}/commands/${name} -H 'content-type: application/json' \\
    -d '${body}'`
    }
  return `curl ${url}/openapi.json`
}
