import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Editors write a file in several steps, and save several files at once. */
const quietMs = 20
const isModule = /\.(?:[cm]?[jt]s|json)$/

/**
 * Tells of changes of files. It watches their folders: editors put a new file in the place of the
 * old one.
 */
export class FileWatch {
  readonly #changed: (name: string) => void
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; names: Set<string> }>()
  #isAnyFile = false
  #timer: NodeJS.Timeout | undefined

  constructor(changed: (name: string) => void) {
    this.#changed = changed
  }

  /**
   * From now on these are watched.
   * @param isAnyFile a module that is missing may be about to come: any in their folders counts
   */
  follow(files: readonly string[], isAnyFile: boolean): void {
    this.#isAnyFile = isAnyFile
    const byFolder = Map.groupBy(files, (file) => dirname(file))
    for (const [folder, { watcher }] of this.#folders)
      if (!byFolder.has(folder)) {
        watcher.close()
        this.#folders.delete(folder)
      }
    for (const [folder, inside] of byFolder) {
      const names = new Set(inside.map((file) => basename(file)))
      const known = this.#folders.get(folder)
      if (known) known.names = names
      else this.#folders.set(folder, { watcher: this.#watch(folder), names })
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #watch(folder: string): FSWatcher {
    const watcher = watch(folder, (_, name) => {
      if (name === null) return
      const names = this.#folders.get(folder)?.names
      if (!names?.has(name) && !(this.#isAnyFile && isModule.test(name))) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#changed(name), quietMs)
    })
    // A folder that is removed: its files are missed when the application is loaded again.
    watcher.on('error', () => watcher.close())
    return watcher
  }
}
