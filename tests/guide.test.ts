import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { commandsIn, TerminalSession } from '@spacegrid/proof/support/terminal-session'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, test } from 'vitest'
import { buildPackage, packTarball } from '../scripts/build-package.ts'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

const timeout = 600_000
const page = 'docs/guide.md'

test('the guide holds word for word, from an empty folder to the data in MongoDB', {
  timeout,
}, async () => {
  const home = await temporaryFolder('guide')
  const built = join(await temporaryFolder('built'), 'spacegrid')
  await buildPackage(built)
  const tarball = await packTarball(built, await temporaryFolder('tarball'))
  await rename(tarball, join(home, basename(tarball)))
  const ports = [await findFreePort(), await findFreePort()] as const
  const here = (text: string) =>
    text.replaceAll('8080', String(ports[0])).replaceAll('9090', String(ports[1]))
  const terminal = new TerminalSession(home, {
    PORT: String(ports[0]),
    ADMIN_PORT: String(ports[1]),
    NO_COLOR: '1',
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  })
  let given = 0
  try {
    for (const { language, text, note } of await blocksOfPage(page)) {
      if (language === 'ts') {
        const [, name = ''] = /^\/\/ ([\w.-]+)/.exec(text) ?? []
        await mkdir(join(home, 'shop'), { recursive: true })
        await writeFile(join(home, 'shop', name), here(text))
      }
      if (language !== 'console' || !note?.startsWith('run by')) continue
      for (const { command, output } of commandsIn(here(text))) {
        await terminal.run({ command, output })
        given++
      }
    }
  } finally {
    await terminal.close()
  }
  expect(given).toBeGreaterThan(20)
})
