import type {
  DecideAsked,
  FinishAsked,
  ForgetAsked,
  PartOperation,
  PrepareAsked,
  ReleasedAsked,
} from './part-messages.ts'
import type { PartRunner } from './part-runner.ts'

/** What a coordinator asks, done by what runs parts here. */
export async function partOf(
  parts: PartRunner,
  operation: Exclude<PartOperation, 'persisted'>,
  asked: object,
): Promise<unknown> {
  switch (operation) {
    case 'prepare':
      return await parts.prepare(asked as PrepareAsked)
    case 'decide':
      return await parts.decide(asked as DecideAsked)
    case 'finish':
      return await parts.finish(asked as FinishAsked)
    case 'forget':
      return await parts.forget((asked as ForgetAsked).attempt)
    case 'released': {
      const { attempt, withinMs } = asked as ReleasedAsked
      return await parts.released(attempt, withinMs)
    }
  }
}
