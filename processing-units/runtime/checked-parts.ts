import type { AnyCommand, CommandPart, Space } from '@spacegrid/grid/core/definition'
import { checkPartsOfSpace, partsOf } from '@spacegrid/grid/core/parts'
import { callbackOf } from './answers.ts'
import type { FaultDesk } from './fault-desk.ts'

/**
 * The parts that a command consists of. What they would come to when it runs is told at once: they
 * are the same each time.
 * @throws GridError `application_fault`
 */
export function checkedParts(
  space: Space,
  command: AnyCommand,
  input: unknown,
  faults: FaultDesk,
): readonly CommandPart[] {
  try {
    const parts = partsOf(command, input)
    checkPartsOfSpace(space, parts)
    return parts
  } catch (thrown) {
    throw faults.judge(callbackOf('command', command), thrown)
  }
}
