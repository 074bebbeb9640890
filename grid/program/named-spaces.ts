import { type LogName, logNamesOf } from '../core/log-name.ts'
import { partitionsMax } from '../core/partition.ts'

/** A space as `SPACES` names it: `ticketing`, or `ticketing:16`. */
export interface NamedSpace {
  readonly name: string
  readonly partitions: number
}

/** What `SPACES` may be; the number is looked at beside it. */
export const spacesPattern =
  '^[a-z][A-Za-z0-9]{0,63}(:[1-9][0-9]{0,5})?(,[a-z][A-Za-z0-9]{0,63}(:[1-9][0-9]{0,5})?)*$'

/** Of a text that matches the pattern. */
export const namedSpaces = (text: string): NamedSpace[] =>
  text.split(',').map((one) => {
    const [name = '', partitions = '1'] = one.split(':')
    return { name, partitions: Number(partitions) }
  })

/** What is wrong with spaces beside how they are written; undefined: nothing. */
export function spacesProblem(spaces: readonly NamedSpace[]): string | undefined {
  const names = spaces.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) < at)
  if (twice !== undefined) return `${twice} is named twice`
  const tooMany = spaces.find(({ partitions }) => partitions > partitionsMax)
  return tooMany && `${tooMany.name} cannot have more than ${partitionsMax} partitions`
}

/** As `SPACES` has it. */
export const spacesText = (spaces: readonly NamedSpace[]): string =>
  spaces
    .map(({ name, partitions }) => (partitions === 1 ? name : `${name}:${partitions}`))
    .join(',')

export const logNamesOfAll = (spaces: readonly NamedSpace[]): LogName[] =>
  spaces.flatMap(({ name, partitions }) => logNamesOf(name, partitions))

const streamBytesMin = 1024 * 1024

/** What one stream of a space may hold, of what they may hold together. */
export const streamShare = (bytesMax: number, partitions: number): number =>
  Math.max(Math.floor(bytesMax / partitions), Math.min(bytesMax, streamBytesMin))
