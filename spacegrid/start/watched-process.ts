import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOwnSource } from '@spacegrid/grid/core/own-sources'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { pino } from 'pino'
import { type Application, loadApplication } from '../application/load-application.ts'
import { serveSpaces } from './serve-application.ts'
import type { Asked, Told } from './watched-messages.ts'

/*
 * A process that serves an application once it is told to. It is started ahead, with everything
 * loaded that does not depend on the application, so that a change is served without the time that
 * takes.
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
  void runProgram(async () => {
    await isWarm
    await (asked.ask === 'load' ? load(asked.files) : serve(asked))
  })
})

const isWarm = warmUp()

/**
 * The first servers of a process take ten times as long as the next ones (150 ms): what they are
 * made of is compiled then.
 */
async function warmUp(): Promise<void> {
  const log = pino({ level: 'silent' })
  const http = createHttpServer([], { log, undeclaredReadable: true })
  const admin = createAdminServer(statusOfUnits('embedded', 'embedded', []), { log })
  for (const server of [http, admin]) {
    await server.ready()
    await server.close()
  }
}

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
