import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOwnSource } from '@spacegrid/grid/core/own-sources'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { type Application, loadApplication } from '../application/load-application.ts'
import { serveSpaces } from './serve-application.ts'
import type { Asked, Told } from './watched-messages.ts'

/*
 * A process that serves an application once it is told to. It is started ahead, with everything loaded that does not depend on the application, so that
 * a change is served without the time that takes.
 */

let application: Application | undefined
const read = new Set<string>()

registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) {
      const file = fileURLToPath(url)
      if (!isOwnSource(file) && !/[\\/]node_modules[\\/]/.test(file)) read.add(file)
    }
    return nextLoad(url, context)
  },
})

process.on('message', (asked: Asked) => {
  void runProgram(() => (asked.ask === 'load' ? load(asked.files) : serve(asked)))
})

async function load(files: readonly string[]): Promise<void> {
  try {
    application = await loadApplication(files)
    tell({ told: 'loaded', files: [...read] })
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    tell({ told: 'loaded', files: [...read], fault })
  }
}

async function serve({ json, isFirst }: Extract<Asked, { ask: 'serve' }>): Promise<void> {
  const spaces = application?.spaces ?? []
  await serveSpaces(() => spaces, {
    json,
    isQuiet: !isFirst,
    serving: () => tell({ told: 'serving' }),
  })
}

function tell(told: Told): void {
  process.send?.(told)
}
