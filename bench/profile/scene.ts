import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GoalContext } from '../goals/goal-context.ts'
import { short } from '../goals/spread.ts'
import type { BenchServerName } from '../processes/bench-servers.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import type { OwnProfile } from './own-profile.ts'
import { selfTimes } from './self-times.ts'

const functionsShown = 12
const profiling = 'node:inspector'

/** Who does what while something is measured. */
export interface Cast {
  /** By what they do; those of one role are added up. */
  readonly roles: Readonly<Record<string, readonly RunningSubject[]>>
  readonly servers: readonly BenchServerName[]
  /** Its operations are what all time is told for. */
  run(): Promise<RunResult>
}

interface RoleTime {
  readonly role: string
  readonly processes: number
  /** Processor time for one operation, microseconds. */
  readonly us: number
  /** Longest first; none of a server that is no Node.js. */
  readonly functions: readonly { readonly name: string; readonly us: number }[]
}

/** Where the processor's time goes while something is measured, by who takes it. */
export interface Scene {
  readonly what: string
  readonly perSecond: number
  /** Cores that were busy with it, on the average. */
  readonly cores: number
  readonly roles: readonly RoleTime[]
}

/** Once without a profile, which tells how much, and once with it, which tells on what. */
export async function watchScene(
  { servers }: Pick<GoalContext, 'servers'>,
  what: string,
  cast: Cast,
): Promise<Scene> {
  const roles = Object.entries(cast.roles)
  const subjects = roles.flatMap(([, processes]) => processes)
  const before = await Promise.all(subjects.map((one) => one.cpuMs()))
  const serversBefore = await Promise.all(cast.servers.map((name) => servers.cpuMs(name)))
  const { operations, elapsedMs } = await cast.run()
  const after = await Promise.all(subjects.map((one) => one.cpuMs()))
  const serversAfter = await Promise.all(cast.servers.map((name) => servers.cpuMs(name)))
  for (const subject of subjects) await subject.beginProfile()
  await cast.run()
  const profiles = await Promise.all(subjects.map((one) => one.endProfile()))
  const usOf = (one: RunningSubject) => {
    const at = subjects.indexOf(one)
    return (((after[at] ?? 0) - (before[at] ?? 0)) * 1000) / operations
  }
  const own = roles.map(([role, processes]): RoleTime => {
    const us = processes.reduce((sum, one) => sum + usOf(one), 0)
    const shares = sharesOf(processes.map((one) => profiles[subjects.indexOf(one)] as OwnProfile))
    const functions = shares.map(({ name, share }) => ({ name, us: share * us }))
    return { role, processes: processes.length, us, functions }
  })
  const asked = cast.servers.map((role, at): RoleTime => {
    const us = (((serversAfter[at] ?? 0) - (serversBefore[at] ?? 0)) * 1000) / operations
    return { role: `server ${role}`, processes: 1, us, functions: [] }
  })
  const all = [...own, ...asked]
  const us = all.reduce((sum, role) => sum + role.us, 0)
  const perSecond = (operations * 1000) / elapsedMs
  return { what, perSecond, cores: (us * perSecond) / 1e6, roles: all }
}

/** Of the processor time of all of them: a profile knows how long, and not whether it ran. */
function sharesOf(profiles: readonly OwnProfile[]): { name: string; share: number }[] {
  const total = profiles.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  const shares = new Map<string, number>()
  for (const { cpuMs, profile } of profiles) {
    // To begin and end a profile takes longer than what is looked at.
    const functions = selfTimes(profile).functions.filter(({ name }) => !name.includes(profiling))
    const busyMs = functions.reduce((sum, { ms }) => sum + ms, 0)
    for (const { name, ms } of functions) {
      const share = (ms / busyMs) * (cpuMs / total)
      shares.set(name, (shares.get(name) ?? 0) + share)
    }
  }
  return [...shares]
    .map(([name, share]) => ({ name, share }))
    .sort((one, other) => other.share - one.share)
    .slice(0, functionsShown)
}

export function sceneText({ what, perSecond, cores, roles }: Scene): string {
  const us = roles.reduce((sum, role) => sum + role.us, 0)
  const lines = roles.map(
    (role) =>
      `| ${role.role} | ${role.processes} | ${short(role.us)} | ${((role.us / us) * 100).toFixed(0)} % |`,
  )
  const tops = roles
    .filter(({ functions }) => functions.length > 0)
    .map(({ role, functions, us: ofRole }) => {
      const rows = functions.map(
        ({ name, us: own }) =>
          `| ${((own / ofRole) * 100).toFixed(1)} % | ${short(own)} | ${name} |`,
      )
      return `### ${role}

| own time | µs | function |
| ---: | ---: | --- |
${rows.join('\n')}
`
    })
  return `## ${what}

${Math.round(perSecond).toLocaleString('en')} a second, ${short(cores)} cores busy, ${short(us)} µs of processor time for each:

| role | processes | µs | share |
| --- | ---: | ---: | ---: |
${lines.join('\n')}

${tops.join('\n')}`
}

/** Writes `NAME.md`; returns its path. */
export async function writeScenes(
  folder: string,
  name: string,
  facts: RunFacts,
  sections: readonly string[],
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}.md`)
  await writeFile(
    path,
    `# Where the processor's time goes

${factsLine(facts)}

\`${facts.command}\`: processor time of every process, kernel included, by what was done meanwhile; then, of a run of its own, V8's CPU profile of all processes of a role: a function's own time, as a share of the time in which they were not idle.

${sections.join('\n')}`,
  )
  return path
}
