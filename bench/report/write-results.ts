import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes `NAME.json`, and the page of it as `NAME.html`; returns their paths. */
export async function writeResults<Results>(
  folder: string,
  name: string,
  results: Results,
  pageOf: (results: Results) => Promise<string>,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const json = join(folder, `${name}.json`)
  const html = join(folder, `${name}.html`)
  await writeFile(json, `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(html, await pageOf(results))
  return [json, html]
}
