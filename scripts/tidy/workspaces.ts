import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface PackageJson {
  name: string
  workspaces?: string[]
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** Which packages each part of the repository declares, as its package.json files have it. */
export class Workspaces {
  /** By the workspace's folder, with a slash at its end; the root's is empty. */
  readonly #declared = new Map<string, ReadonlySet<string>>()

  static async read(root: string): Promise<Workspaces> {
    const rootPackage = await readPackage(root)
    const workspaces = new Workspaces()
    const everything = new Set(declaredIn(rootPackage))
    const testTools = Object.keys(rootPackage.devDependencies ?? {})
    for (const folder of rootPackage.workspaces ?? []) {
      const one = await readPackage(join(root, folder))
      const declared = [one.name, ...declaredIn(one)]
      // Tools for tests and the grid's test support are declared once, for everybody's tests.
      const shared = [...testTools, '@spacegrid/proof']
      workspaces.#declared.set(`${folder}/`, new Set([...declared, ...shared]))
      for (const name of declared) everything.add(name)
    }
    // Scripts and tests over several components belong to no workspace: they may use what any has.
    workspaces.#declared.set('', everything)
    return workspaces
  }

  declaredFor(path: string): ReadonlySet<string> {
    const folders = [...this.#declared.keys()].filter((folder) => path.startsWith(folder))
    const nearest = folders.sort((left, right) => right.length - left.length)[0] ?? ''
    return this.#declared.get(nearest) ?? new Set()
  }
}

function declaredIn({ dependencies, devDependencies }: PackageJson): string[] {
  return [...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})]
}

async function readPackage(folder: string): Promise<PackageJson> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson
}
