import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { commandsIn, TerminalSession } from '@spacegrid/proof/support/terminal-session'
import { GridClient } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, expect, test } from 'vitest'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

const packages = fileURLToPath(new URL('../node_modules', import.meta.url))
let cluster: ProcessCluster | undefined

afterAll(async () => {
  await cluster?.stop()
})

test('the space that the README declares runs as it stands there', {
  timeout: 180_000,
}, async () => {
  const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const code = page.match(/```ts\n(.*?)```/s)?.[1] ?? ''
  expect(code.split('\n').length).toBeLessThan(40)
  // Outside the checkout: the reader of the page may have made the folder that it names.
  const folder = await temporaryFolder('readme')
  await symlink(packages, join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const file = join(folder, 'space.ts')
  await writeFile(file, code)
  cluster = await ProcessCluster.start({
    units: 2,
    application: { files: [file], spaces: ['guestbook'] },
    dataDirectory: await temporaryFolder(),
    port: await findFreePort(),
    serverPorts: 'free',
  })
  const client = new GridClient(cluster.urls.http)
  const entry = { author: 'Ada', text: 'Hello' }
  const signed = await client.command('guestbook', 'sign', entry, { acknowledge: 'persisted' })
  expect(signed).toMatchObject({ result: { id: expect.any(String) }, replayed: false })
  const latest = await client.query('guestbook', 'latest', { limit: 5 }, { from: signed.position })
  expect(latest.result).toMatchObject([entry])
  await client.stop()
})

test('the first commands of the README say what it shows', { timeout: 120_000 }, async () => {
  const [port, adminPort] = [await findFreePort(), await findFreePort()]
  const folder = await temporaryFolder('data')
  const here = (text: string) =>
    text
      .replaceAll('8080', String(port))
      .replaceAll('9090', String(adminPort))
      .replaceAll('in .spacegrid', `in ${folder}`)
  const variables = { PORT: String(port), ADMIN_PORT: String(adminPort), DATA_DIR: folder }
  const terminal = new TerminalSession(fileURLToPath(new URL('..', import.meta.url)), variables)
  let given = 0
  try {
    for (const { text, note } of await blocksOfPage('README.md')) {
      if (!note?.startsWith('run by')) continue
      for (const { command, output } of commandsIn(here(text))) {
        // Installed it is, and its reader has a second terminal.
        const start = command.replace(/^npm install && (npm start)$/, '$1 &')
        await terminal.run({ command: start, output })
        given++
      }
    }
  } finally {
    await terminal.close()
  }
  expect(given).toBe(4)
})
