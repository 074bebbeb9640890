import type { AnyCommand, AnyQuery } from '../space/definition.ts'
import { checkFits } from '../space/validation.ts'

/**
 * Checks a result against the schema it was declared with: over HTTP it would be serialized by that schema.
 * @throws Error: the declaration and the handler contradict each other, which is no fault of the caller
 */
export function checkResult(
  { name, result: schema }: AnyCommand | AnyQuery,
  result: unknown,
): void {
  if (!schema) return
  try {
    checkFits(schema, result, `result of ${name}`)
  } catch (cause) {
    throw new Error(`${name} returns what its result schema does not describe`, { cause })
  }
}
