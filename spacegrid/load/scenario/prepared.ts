import type { Answer } from '../../client/index.ts'

/**
 * A built-in scenario has made what its users come for. A space that is not there is the first
 * thing whoever has an application of their own meets, so they are told what to do.
 * @throws Error when it could not be made
 */
export function prepared(what: string, answer: Answer): void {
  if (answer.kind === 'accepted') return
  const problem = answer.kind === 'rejected' ? undefined : answer.problem
  if (problem?.code === 'unknown_space')
    throw new Error(
      `${problem.detail}. Users of your own application: --scenario FILE (docs/load.md)`,
    )
  throw new Error(`${what}: ${answer.reason}`)
}
