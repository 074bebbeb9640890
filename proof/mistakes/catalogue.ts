import type { Mistake } from './mistake.ts'
import { accountMistakes } from './spaces/accounts.ts'
import { handlerMistakes } from './spaces/handlers.ts'
import { reactionMistakes } from './spaces/reactions.ts'
import { seatMistakes } from './spaces/seats.ts'

/** Mistakes that applications really make, each in a space of its own. */
export const catalogue: readonly Mistake[] = [
  ...accountMistakes,
  ...seatMistakes,
  ...handlerMistakes,
  ...reactionMistakes,
]
