import { fileOf } from './house.ts'
import type { SourceFile } from './source-file.ts'

/** Who imports whom. Types count: what is named must be understood as well. */
export class ImportGraph {
  readonly #imports = new Map<string, readonly string[]>()
  readonly #circles: ReadonlyMap<string, readonly string[]>

  constructor(files: readonly SourceFile[]) {
    const known = new Set(files.map(({ path }) => path))
    for (const file of files) {
      if (!file.isTypeScript || file.isTest) continue
      const targets = file.imports.map(({ specifier }) => fileOf(file.path, specifier) ?? '')
      this.#imports.set(
        file.path,
        targets.filter((target) => known.has(target) && target !== file.path),
      )
    }
    this.#circles = this.#findCircles()
  }

  /**
   * The files that import each other in a loop with this one, itself included; none: there is no
   * loop.
   */
  circleOf(path: string): readonly string[] {
    return this.#circles.get(path) ?? []
  }

  /** Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972). */
  #findCircles(): Map<string, readonly string[]> {
    const circles = new Map<string, readonly string[]>()
    const number = new Map<string, number>()
    const lowest = new Map<string, number>()
    const path: string[] = []
    const visit = (file: string) => {
      const own = number.size
      number.set(file, own)
      lowest.set(file, own)
      path.push(file)
      for (const target of this.#imports.get(file) ?? []) {
        if (!number.has(target)) visit(target)
        if (path.includes(target))
          lowest.set(file, Math.min(lowest.get(file) ?? own, lowest.get(target) ?? own))
      }
      if (lowest.get(file) !== own) return
      const circle = path.splice(path.indexOf(file))
      if (circle.length > 1) for (const one of circle) circles.set(one, circle)
    }
    for (const file of this.#imports.keys()) if (!number.has(file)) visit(file)
    return circles
  }
}
