import { readFile } from 'node:fs/promises'
import { Failure } from '../../command-line/failure.ts'
import type { LoadSummary } from '../summary.ts'

/**
 * What `--json` of an earlier run has written.
 * @throws Failure, exit code 2
 */
export async function readEarlierRun(file: string): Promise<LoadSummary> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Failure(`--compare ${file}: ${error.message}`, 2, { cause: error })
  })
  const run = parsed(text)
  const isRun = Array.isArray(run?.seconds) && Object(run.operations) === run.operations
  if (run !== undefined && isRun && run.seconds.every(({ operations }) => operations)) return run
  throw new Failure(
    `--compare ${file}: this is not what --json of npx spacegrid load writes (or an earlier version's, which told less of each second)`,
    2,
  )
}

function parsed(text: string): LoadSummary | undefined {
  try {
    return Object(JSON.parse(text)) as LoadSummary
  } catch {
    // No JSON at all: told with what else is wrong.
    return undefined
  }
}
