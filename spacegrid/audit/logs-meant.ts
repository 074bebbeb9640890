import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'

/**
 * What an operator means by names: the name of a log, or that of a space for all logs of it that
 * are known. Nothing named: all that are known.
 */
export function logsMeant(
  names: readonly string[] | undefined,
  known: readonly LogName[],
): readonly LogName[] {
  if (names === undefined) return known
  const meant = names.flatMap((name) => {
    const parts = known.filter((logName) => logName !== name && spaceOf(logName) === name)
    return known.includes(name) || parts.length === 0 ? [name] : parts
  })
  return [...new Set(meant)]
}
