import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from './measure.ts'
import { resultsPage } from './results-page.ts'

export interface Results {
  readonly startedAt: string
  readonly command: string
  readonly commit: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGiB: number
    readonly platform: string
  }
  readonly node: string
  readonly entries: number
  readonly timeMs: number
  /** Runs of each measurement; the figures are those of the run with the median rate. */
  readonly runs: number
  readonly measurements: readonly Measurement[]
}

export function describeRun(
  options: Pick<Results, 'entries' | 'timeMs' | 'runs'>,
  measurements: readonly Measurement[],
): Results {
  return {
    startedAt: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
    },
    node: process.version,
    ...options,
    measurements,
  }
}

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

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown' // Not a checkout, or no git: the figures are still good.
  }
}
