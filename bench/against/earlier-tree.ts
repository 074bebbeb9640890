import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** The workspaces' own packages: links into the tree that they belong to. */
const ownScope = '@spacegrid'

/**
 * The sources of an earlier revision in a folder of their own, with the packages that are installed
 * here.
 */
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
    await linkPackages(join(root, 'node_modules'), folder)
    return new EarlierTree(folder, stdout.trim())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

interface Package {
  readonly name: string
  readonly workspaces?: readonly string[]
}

/**
 * Links what is installed here, and the tree's own workspaces under the names that they have there.
 */
async function linkPackages(from: string, tree: string): Promise<void> {
  const to = join(tree, 'node_modules')
  await mkdir(join(to, ownScope), { recursive: true })
  for (const name of await readdir(from)) {
    if (name === ownScope || (await lstat(join(from, name))).isSymbolicLink()) continue
    await symlink(join(from, name), join(to, name))
  }
  const { workspaces } = await packageOf(tree)
  for (const folder of workspaces ?? []) {
    const { name } = await packageOf(join(tree, folder))
    await symlink(join(tree, folder), join(to, name))
  }
}

async function packageOf(folder: string): Promise<Package> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
}
