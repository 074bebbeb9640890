const root = decodeURIComponent(new URL('../../', import.meta.url).pathname)

/** The folders whose code is the grid's own and no application's. */
const folders = ['grid', 'processing-units/runtime', 'data-pump', 'data-writer', 'data-reader']
/** What runs applications to prove them, but not the applications that it brings. */
const proof = ['check', 'model', 'world'].map((folder) => `proof/simulator/${folder}`)
const own = [...folders, ...proof, 'spacegrid'].map((folder) => `${root}${folder}/`)

/** @param path of a source file, as stacks have it without `file://`, decoded */
export function isOwnSource(path: string): boolean {
  return own.some((folder) => path.startsWith(folder))
}
