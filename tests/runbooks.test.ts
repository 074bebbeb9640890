import { execFile } from 'node:child_process'
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is done between the tasks, and how it is looked at. */
const between: Readonly<Record<string, string>> = {
  Start: `call offer '{"itemId":"mug","title":"Mug","quantity":10}'`,
  'Back up': `call reserve '{"itemId":"mug","quantity":3}'`,
  Restore: `call reserve '{"itemId":"mug","quantity":1}'`,
}

/** The commands of a page's tasks that are to be given as they are written. */
function tasksOf(page: string): [task: string, commands: string][] {
  const tasks = page.slice(page.indexOf('## Tasks'), page.indexOf('## Alerts'))
  return tasks.split(/^### /m).flatMap((task): [string, string][] => {
    const commands = /<!-- run by tests\/runbooks\.test\.ts -->\n```sh\n([\s\S]*?)```/.exec(task)
    return commands?.[1] === undefined ? [] : [[task.split('\n')[0] ?? '', commands[1]]]
  })
}

function shell(script: string, folder: string): Promise<{ code: number; output: string }> {
  const none = { NATS_URL: '', MONGODB_URL: '', REDIS_URL: '', SPACES: '' }
  const env = { ...process.env, ...none, PATH: `${folder}/bin:${process.env.PATH}` }
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

test('docs/runbooks.md: start, scale, back up and restore, as it is written', {
  timeout: 180_000,
}, async () => {
  const folder = await temporaryFolder('runbooks')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const space = await readFile(join(root, 'spacegrid/init/template/space.ts.txt'), 'utf8')
  await writeFile(join(folder, 'space.ts'), space.replace('{{space}}', 'shop'))
  const bin = join(await temporaryFolder('bin'), 'npx')
  await writeFile(bin, `#!/bin/sh\nshift\nexec ${process.execPath} ${spacegridProgram} "$@"\n`)
  await chmod(bin, 0o755)
  await symlink(join(bin, '..'), join(folder, 'bin'))

  const tasks = tasksOf(await readFile(join(root, 'docs/runbooks.md'), 'utf8'))
  expect(tasks.map(([task]) => task)).toEqual(['Start', 'Scale', 'Back up', 'Restore'])
  const ports = new Map<string, number>()
  for (const port of ['8080', '8081', '9191']) ports.set(port, await findFreePort())
  const http = ports.get('8080')
  const call = `call() { curl -fsS -H 'content-type: application/json' -H 'prefer: ack=persisted' -d "$2" http://127.0.0.1:${http}/shop/commands/$1; }`
  const script = tasks
    .flatMap(([task, commands]) => [
      commands.replaceAll(/\b(8080|8081|9191)\b/g, (port) => String(ports.get(port))),
      between[task] ?? '',
    ])
    .join('\n')
  const stop = 'stop() { kill -TERM $grid $extra 2>/dev/null; wait; npx spacegrid servers down; }'
  const prelude = `set -e\n${call}\n${stop}\ntrap stop EXIT\nexport PORT=${http}\n`
  const { code, output } = await shell(`${prelude}${script}\n`, folder)
  const log = await readFile(join(folder, 'cluster.log'), 'utf8').catch(() => '')
  expect(code, `${output}\n${log}`).toBe(0)
  const left = [...output.matchAll(/"result":\{"left":(\d+)\}/g)].map(([, count]) => Number(count))
  // What was reserved behind the backup is undone.
  expect(left, output).toEqual([10, 7, 9])
})
