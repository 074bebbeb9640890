import { GridError } from './errors.ts'

/** Name of the space that lines are kept in: waiting rooms serve it, not units. */
export const roomSpaceName = 'waitingRoom'

/**
 * What of a space is behind a waiting room, where one is switched on for it (`WAITING_ROOM`):
 * whoever calls it must have been admitted. docs/waiting-room.md.
 */
export interface WaitingRoomOptions<
  CommandName extends string = string,
  QueryName extends string = string,
> {
  /** Commands that only the admitted may call. */
  readonly commands?: readonly CommandName[]
  /** Queries that only the admitted may ask. */
  readonly queries?: readonly QueryName[]
  /**
   * Field of their inputs that tells one line from another: each of its values can have a line of
   * its own (`ticketing/concert`). A text. Left out: the space has one line at most.
   */
  readonly by?: string
  /** Commands with which a visit ends: the next in line comes in. Left out: visits end by time. */
  readonly finishedBy?: readonly CommandName[]
}

interface Named {
  readonly input: { readonly properties: object; readonly required?: readonly string[] }
}

/**
 * What a space declares about its waiting room, checked.
 * @throws TypeError for names that the space does not have, and a field that is no text or not
 * always there
 */
export function checkedWaitingRoom(
  space: string,
  { commands = [], queries = [], by, finishedBy = [] }: WaitingRoomOptions,
  known: {
    readonly commands: ReadonlyMap<string, Named>
    readonly queries: ReadonlyMap<string, Named>
  },
): WaitingRoomOptions {
  const check = (kind: 'commands' | 'queries', name: string, isKeyed: boolean) => {
    const one = known[kind].get(name)
    if (!one)
      throw new TypeError(
        `space ${space}: its waitingRoom names ${name}, which is none of its ${kind}`,
      )
    if (!isKeyed || by === undefined) return
    const field = (one.input.properties as Record<string, { readonly type?: unknown }>)[by]
    if (field?.type !== 'string' || one.input.required?.includes(by) !== true)
      throw new TypeError(
        `space ${space}: waitingRoom.by is ${by}, which ${name} must take, always, and as a text`,
      )
  }
  for (const name of commands) check('commands', name, true)
  for (const name of queries) check('queries', name, true)
  for (const name of finishedBy) check('commands', name, false)
  return { commands, queries, finishedBy, ...(by === undefined ? {} : { by }) }
}

/** The name of a line: of a space, or of one value of the field that tells lines apart. */
export type LineName = string

export const lineNameOf = (space: string, key?: string): LineName =>
  key === undefined ? space : `${space}/${key}`

/** The space, and the key, of a line. */
export function partsOfLine(line: LineName): { readonly space: string; readonly key?: string } {
  const at = line.indexOf('/')
  return at < 0 ? { space: line } : { space: line.slice(0, at), key: line.slice(at + 1) }
}

const keyLengthMax = 200
const spaceName = /^[a-z][A-Za-z0-9]{0,63}$/

/** Lines as configuration names them: `ticketing/concert,auction`. */
export function linesNamed(text: string): {
  readonly lines: LineName[]
  readonly problem?: string
} {
  const lines = text.split(',').map((one) => one.trim())
  const wrong = lines.find((line) => {
    const { space, key } = partsOfLine(line)
    return !spaceName.test(space) || key === '' || (key ?? '').length > keyLengthMax
  })
  if (wrong !== undefined) return { lines, problem: `${JSON.stringify(wrong)} is no line` }
  const doubled = lines.find((line, at) => lines.indexOf(line) !== at)
  if (doubled !== undefined) return { lines, problem: `${doubled} is named twice` }
  const both = lines.find((line) => {
    const { space, key } = partsOfLine(line)
    return key !== undefined && lines.includes(space)
  })
  if (both === undefined) return { lines }
  return { lines, problem: `${partsOfLine(both).space} is in line as a whole, and ${both} as well` }
}

/** There is no such line. */
export const unknownLine = (line: LineName, known: readonly LineName[]): GridError =>
  new GridError('unknown_line', `There is no line ${JSON.stringify(line.slice(0, 200))}`, {
    details: { known },
  })
