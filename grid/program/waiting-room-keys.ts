import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Space } from '../core/definition.ts'
import { GridError } from '../core/errors.ts'
import { type LineName, linesNamed, partsOfLine } from '../core/waiting-room.ts'
import { AdmissionReports } from '../doors/request/admission-reports.ts'
import { LinePasses, secretLengthMin } from '../doors/request/line-passes.ts'
import { WaitingRoomGuard } from '../doors/request/waiting-room-guard.ts'
import { makeFolder } from '../drivers/system/make-folder.ts'
import { folderFault } from '../drivers/system/usable-folder.ts'
import type { Environment } from './environment.ts'

/**
 * The keys that tickets and admissions are signed with: as the environment names them, else those
 * under `DATA_DIR`, made where there are none.
 * @throws GridError `configuration_invalid`
 */
export function linePassesOf(environment: Environment): LinePasses {
  const { WAITING_ROOM_KEY: keys, DATA_DIR: data } = environment
  if (keys !== undefined) return new LinePasses(keys.split(/[,\s]+/))
  const folder = join(data, 'keys')
  const own = join(folder, 'waiting-room')
  try {
    makeFolder(folder)
    makeOnce(own)
    return new LinePasses(secretsIn(own))
  } catch (error) {
    throw folderFault('DATA_DIR', data, error) ?? error
  }
}

/** Whoever comes second takes what is there: a file that is there is whole. */
function makeOnce(path: string): void {
  const fresh = `${path}.${process.pid}`
  try {
    writeFileSync(fresh, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    linkSync(fresh, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(fresh, { force: true })
  }
}

function secretsIn(path: string): string[] {
  const secrets = readFileSync(path, 'utf8')
    .split(/\s+/)
    .filter((secret) => secret !== '')
  if (secrets.length === 0 || secrets.some((secret) => secret.length < secretLengthMin))
    throw unusable(`${path}: each line must be a key of at least ${secretLengthMin} characters`)
  return secrets
}

/** Lines that the environment names; none: there is no waiting room. */
export const linesOf = ({ WAITING_ROOM: lines }: Environment): readonly LineName[] =>
  lines === undefined ? [] : linesNamed(lines).lines

/** What keeps the spaces of a process behind a waiting room, and tells it of those inside. */
export interface GuardedSpaces {
  readonly guard: WaitingRoomGuard
  readonly reports: AdmissionReports
}

/**
 * @returns undefined: no line is for any of these spaces
 * @throws GridError `configuration_invalid` for a line of a space that declares no waiting room, or
 * no key to tell lines apart by
 */
export function guardOf(
  spaces: readonly Space[],
  environment: Environment,
): GuardedSpaces | undefined {
  const lines = linesOf(environment)
  const own = spaces.flatMap((space) => {
    const named = lines.filter((line) => partsOfLine(line).space === space.name)
    for (const line of named) checkDeclared(space, line)
    return named
  })
  if (own.length === 0) return undefined
  const reports = new AdmissionReports()
  const guard = new WaitingRoomGuard(
    spaces,
    { passes: linePassesOf(environment), reports, now: Date.now },
    {
      lines: own,
      url: environment.WAITING_ROOM_URL,
      requestsMax: environment.WAITING_ROOM_REQUESTS_MAX,
    },
  )
  return { guard, reports }
}

function checkDeclared({ name, waitingRoom }: Space, line: LineName): void {
  const about = `WAITING_ROOM names ${line}`
  if (!waitingRoom)
    throw unusable(
      `${about}, but space ${name} declares nothing that would be behind it: waitingRoom`,
    )
  if (line !== name && waitingRoom.by === undefined)
    throw unusable(`${about}, but space ${name} does not tell lines apart: waitingRoom.by`)
}

const unusable = (message: string): GridError => new GridError('configuration_invalid', message)
