import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Results } from './results.ts'
import { resultsPage } from './results-page.ts'

/** Writes `NAME.json` and `NAME.html`; returns their paths. */
export async function writeResults(
  folder: string,
  name: string,
  results: Results,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const json = join(folder, `${name}.json`)
  const html = join(folder, `${name}.html`)
  await writeFile(json, `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(html, await resultsPage(results))
  return [json, html]
}
