import type { ServerName } from 'spacegrid/servers/server-name'
import { inject, type RunnerTask, type RunnerTestFile, TestRunner } from 'vitest'
import './provided-context.ts'

/** What a file's name says it needs; any other file of these projects needs all servers. */
const suffixes: Record<ServerName, string> = {
  nats: '.nats.test.ts',
  mongodb: '.mongodb.test.ts',
  redis: '.redis.test.ts',
}

/**
 * Skips the test files whose server cannot be had here; `shared-servers.ts` has said so, loudly.
 */
export default class MissingServerRunner extends TestRunner {
  onBeforeRunFiles(files: RunnerTestFile[]): void {
    const missing = inject('missingServers')
    for (const file of files) {
      const needed = Object.entries(suffixes).filter(([, suffix]) => file.name.endsWith(suffix))
      const skips =
        needed.length === 0
          ? missing.length > 0
          : needed.some(([server]) => missing.includes(server as ServerName))
      if (skips) skip(file)
    }
  }
}

function skip(task: RunnerTask): void {
  task.mode = 'skip'
  if ('tasks' in task) for (const child of task.tasks) skip(child)
}
