import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Rule } from './rule.ts'

const run = promisify(execFile)

/** What has come of one command. */
export interface Outcome {
  /** undefined: it did not end by itself. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * A copy of the repository in which rules can be broken without anybody noticing. Its packages are
 * links to the installed ones, except our own: those lead into the copy.
 */
export class BrokenCopy implements AsyncDisposable {
  /** Its own, so that what it compiles is kept from one rule to the next, and no longer than it. */
  readonly env: Readonly<Record<string, string>>
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.env = { NODE_COMPILE_CACHE: join(folder, '.compiled') }
  }

  /** Copies every file that is tracked, or would be, as it is now. */
  static async of(root: string): Promise<BrokenCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'spacegrid-proof-'))
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
    const { stdout } = await run('git', list, { cwd: root, maxBuffer: 2 ** 26 })
    for (const file of stdout.split('\0').filter((name) => name !== '')) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      // A file that was deleted and not committed yet is still listed.
      await cp(join(root, file), join(folder, file)).catch(() => undefined)
    }
    await linkPackages(join(root, 'node_modules'), join(folder, 'node_modules'))
    return new BrokenCopy(folder)
  }

  /** Breaks one rule; the function it returns mends it again. */
  async break({ name, file, find, replace }: Rule): Promise<() => Promise<void>> {
    const path = this.path(file)
    const source = await readFile(path, 'utf8')
    if (source.split(find).length !== 2)
      throw new Error(`${name}: its text does not stand in ${file} exactly once`)
    await writeFile(
      path,
      source.replace(find, () => replace),
    )
    return () => writeFile(path, source)
  }

  /**
   * Runs a program of the copy, and ends it at the limit: a rule that is broken may make it run for
   * ever.
   */
  async run(program: string, args: readonly string[], timeoutMs: number): Promise<Outcome> {
    const env = { ...process.env, ...this.env }
    const options = { cwd: this.#folder, env, timeout: timeoutMs, maxBuffer: 2 ** 26 }
    try {
      return { code: 0, ...(await run(process.execPath, [program, ...args], options)) }
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as Partial<Outcome>
      return { code: typeof code === 'number' ? code : undefined, stdout, stderr }
    }
  }

  /** Where one of its files is. */
  path(file: string): string {
    return join(this.#folder, file)
  }

  /** Takes a file that a program has left in the copy; undefined: it has not. */
  async take(file: string): Promise<string | undefined> {
    const path = this.path(file)
    const text = await readFile(path, 'utf8').catch(() => undefined)
    await rm(path, { force: true })
    return text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Links of workspaces are relative, so they lead into the copy; what is installed is linked. */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const { name } = entry
    if (name === '@spacegrid' || entry.isSymbolicLink())
      await cp(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true })
    else await symlink(join(from, name), join(to, name))
  }
}
