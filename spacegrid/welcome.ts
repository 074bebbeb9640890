import type { EmbeddedPlace } from './embedded/serve-embedded.ts'

/** What a newcomer sees: where things are, and one line to try. */
export function welcome({ spaces, url, adminUrl, dataDirectory }: EmbeddedPlace): string {
  const event = {
    eventId: 'concert',
    name: 'Concert',
    startsAt: 1_893_456_000_000,
    sections: [{ section: 'A', rows: 10, seatsPerRow: 20, price: 4500 }],
  }
  return `Spacegrid is serving ${spaces.join(' and ')}, two processing units each, data in ${dataDirectory}

  HTTP           ${url}
  documentation  ${url}/docs
  status         ${adminUrl}/status

Try:
  curl ${url}/ticketing/commands/createEvent -H 'content-type: application/json' \\
    -d '${JSON.stringify(event)}'

Ctrl-C stops it; started again it goes on where it was.
`
}
