import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { knownServers } from 'spacegrid/servers/start-servers'
import { expect, test } from 'vitest'

const space = join(import.meta.dirname, '../processing-units/ticketing/space.ts')

test('a cluster that is stopped while it starts leaves nothing running', async () => {
  const folder = await temporaryFolder('start')
  const env = { ...process.env, DATA_DIR: folder, PORT: String(await findFreePort()) }
  const cluster = spawn(process.execPath, [spacegridProgram, 'cluster', space], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  cluster.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const exited = once(cluster, 'exit')
  await waitFor(() => existsSync(join(folder, 'logs', 'data-pump.log')), {
    what: 'the components to be started',
    timeoutMs: 30_000,
  })
  cluster.kill('SIGTERM')
  expect((await exited)[0], said).toBe(1)
  expect(said).toContain('Stopped before it was ready')
  expect((await knownServers(folder)).map(({ running }) => running)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
