import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** The workspaces' own packages: links into the tree that they belong to. */
const ownScope = '@spacegrid'

/** The sources of an earlier revision in a folder of their own, with the packages that are installed here. */
export class EarlierTree implements AsyncDisposable {
  readonly folder: string
  readonly commit: string

  private constructor(folder: string, commit: string) {
    this.folder = folder
    this.commit = commit
  }

  /** @throws Error when the repository has no such revision */
  static async of(revision: string): Promise<EarlierTree> {
    const { stdout } = await run('git', [
      '-C',
      root,
      'rev-parse',
      '--short',
      `${revision}^{commit}`,
    ])
    const folder = await mkdtemp(join(tmpdir(), 'spacegrid-earlier-'))
    const archive = join(folder, 'tree.tar')
    await run('git', ['-C', root, 'archive', '--output', archive, revision])
    await run('tar', ['-xf', archive, '-C', folder])
    await rm(archive)
    await linkPackages(join(root, 'node_modules'), join(folder, 'node_modules'))
    return new EarlierTree(folder, stdout.trim())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(join(to, ownScope), { recursive: true })
  for (const name of await readdir(from))
    if (name !== ownScope) await symlink(join(from, name), join(to, name))
  for (const name of await readdir(join(from, ownScope)))
    await symlink(await readlink(join(from, ownScope, name)), join(to, ownScope, name))
}
