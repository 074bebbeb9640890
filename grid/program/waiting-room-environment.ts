import { Type } from 'typebox'

/** What the environment says of waiting rooms, and of what units keep behind them. */
export const waitingRoomVariables = {
  WAITING_ROOM: Type.Optional(
    Type.String({
      pattern: '^[^\\x00-\\x1f\\x7f]+$',
      description:
        'Lines that visitors stand in: spaces, or keys of a space by which it tells lines apart; not set: nobody stands in line',
      allowed: 'comma-separated lines such as ticketing/concert,auction',
    }),
  ),
  WAITING_ROOM_KEY: Type.Optional(
    Type.String({
      pattern: '^[!-+\\--~]{32,}([,\\s]+[!-+\\--~]{32,})*$',
      description:
        'Signs tickets and admissions; of several the first signs, and all are taken; not set: keys/waiting-room under DATA_DIR, made where there is none',
      allowed:
        'at least 32 visible ASCII characters; several with commas or new lines between them',
      isSecret: true,
    }),
  ),
  WAITING_ROOM_URL: Type.String({
    pattern: '^(https?://[^\\s/]+)?$',
    default: '',
    description: 'Where visitors find the waiting room; not set: where they find the units',
    allowed: 'an address such as https://queue.example, without a path',
  }),
  WAITING_ROOM_TARGET: Type.String({
    pattern: '^((https?:/)?/[^\\s]*)?$',
    default: '',
    description:
      'Where the page leads those whose turn it is; {space} and {key} stand for those of the line; not set: nowhere',
    allowed: 'a path or an address such as https://shop.example/events/{key}',
  }),
  WAITING_ROOM_LANES: Type.String({
    pattern: '^[^\\x00-\\x1f\\x7f]+$',
    default: 'general:1',
    description:
      'Lanes of each line with their shares of the turns, the last one for everybody; `:open`: who asks for it gets it, otherwise a signed claim is needed',
    allowed: 'comma-separated lanes such as accessible:2:open,fans:3,general:5',
  }),
  WAITING_ROOM_VISIT_MS: Type.Integer({
    minimum: 1000,
    maximum: 86_400_000,
    default: 600_000,
    description: 'How long a visitor may stay inside',
    allowed: 'an integer from 1000 to 86400000 (ms)',
  }),
  WAITING_ROOM_CLAIM_MS: Type.Integer({
    minimum: 1000,
    maximum: 86_400_000,
    default: 120_000,
    description: 'How long a place inside is kept free for a visitor whose turn it is',
    allowed: 'an integer from 1000 to 86400000 (ms)',
  }),
  WAITING_ROOM_INSIDE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 100,
    description: 'Visitors inside at the beginning, before anything is measured',
    allowed: 'an integer from 1 to 1000000',
  }),
  WAITING_ROOM_INSIDE_MAX: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 10_000,
    description: 'Visitors inside at most, whatever is measured',
    allowed: 'an integer from 1 to 1000000',
  }),
  WAITING_ROOM_REQUESTS_MAX: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 200,
    description: 'Requests that one unit takes with one admission; beyond, 429',
    allowed: 'an integer from 1 to 1000000',
  }),
}
