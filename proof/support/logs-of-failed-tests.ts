import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { endOfLog } from 'spacegrid/servers/end-of-log'
import { beforeEach, onTestFailed } from 'vitest'
import { temporaryFolders } from './temporary-folder.ts'

/** Of each log: the beginning of what went wrong is seldom further back. */
const linesMax = 25

// Whoever has to find out why a test failed wants to read what the components it ran had to say.
beforeEach(() => {
  onTestFailed(({ task }) => {
    const logs = endsOfLogs()
    if (logs !== '') process.stderr.write(`Logs of the components of "${task.name}":\n${logs}`)
  })
})

function endsOfLogs(): string {
  const files = temporaryFolders.flatMap((folder) => globSync(join(folder, 'logs', '*')))
  return files.map((file) => `--- ${basename(file)}\n${endOf(file)}\n`).join('')
}

function endOf(file: string): string {
  try {
    return endOfLog(file, linesMax)
  } catch (error) {
    return String(error)
  }
}
