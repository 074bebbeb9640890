import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { signal } from './process-identity.ts'

/**
 * The other process of `reaper.ts`: `reap PID`, `spare PID` and `remove FOLDER` on its input, one a
 * line.
 */
const pids = new Set<number>()
const folders = new Set<string>()

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ')
  const verb = line.slice(0, space)
  const object = line.slice(space + 1)
  if (verb === 'reap') pids.add(Number(object))
  else if (verb === 'spare') pids.delete(Number(object))
  else folders.add(object)
}

for (const pid of pids) signal(pid, 'SIGKILL')
// A killed process may still hold its files for a moment.
const patience = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }
for (const folder of folders) await rm(folder, patience)
