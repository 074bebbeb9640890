import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import { type CpuProfile, selfTimes } from './self-times.ts'

const functionsShown = 12
/** Processes of one subject that are told; the others did the same. */
const shownOfEach = 1

/** CPU profiles of the processes that a run starts, and what they say in short. */
export class Profiles implements AsyncDisposable {
  readonly #folder: string
  #count = 0

  static async open(): Promise<Profiles> {
    return new Profiles(await mkdtemp(join(tmpdir(), 'spacegrid-profiles-')))
  }

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Flags of Node.js for a process to be profiled. */
  flagsFor(goal: string, subject: string): string[] {
    const name = `${String(++this.#count).padStart(3, '0')} ${goal} ${subject}.cpuprofile`
    return ['--cpu-prof', `--cpu-prof-dir=${this.#folder}`, `--cpu-prof-name=${name}`]
  }

  /** Writes `NAME.md`: for each goal and subject, where its last process has spent its time. */
  async write(folder: string, name: string, facts: RunFacts): Promise<string> {
    const files = (await readdir(this.#folder)).sort()
    const bySubject = Map.groupBy(files, (file) => file.slice(4, -'.cpuprofile'.length))
    const sections: string[] = []
    // The last ones met code that had been compiled for a while.
    for (const [subject, ofSubject] of bySubject)
      for (const file of ofSubject.slice(-shownOfEach))
        sections.push(await section(subject, join(this.#folder, file)))
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${name}.md`)
    await writeFile(
      path,
      `# Where the time goes

${factsLine(facts)}

\`${facts.command}\`: V8's CPU profile of one process of each subject, from its start to its end; a function's own time, of the time in which the process was not idle.

${sections.join('\n')}`,
    )
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function section(subject: string, path: string): Promise<string> {
  const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile
  const { totalMs, idleMs, functions } = selfTimes(profile)
  const busyMs = totalMs - idleMs
  const lines = functions
    .slice(0, functionsShown)
    .map(({ name, ms }) => `| ${((ms / busyMs) * 100).toFixed(1)} % | ${ms.toFixed(0)} | ${name} |`)
  return `## ${subject}

${busyMs.toFixed(0)} ms busy, ${idleMs.toFixed(0)} ms idle

| own time | ms | function |
| ---: | ---: | --- |
${lines.join('\n')}
`
}
