import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'
import { buildWithGo } from './go-build.ts'
import { madeOnce } from './made-once.ts'

const program = join(import.meta.dirname, 'test-support', 'interrupted-process.ts')

/** How the process ended: 0, or SIGKILL. */
async function run(folder: string, ...words: string[]): Promise<unknown> {
  const child = spawn(process.execPath, [program, folder, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code, signal] = await once(child, 'exit')
  return code ?? signal
}

test('set-up that is killed after any of its steps begins anew', async () => {
  const cache = await temporaryFolder('made-once')
  const folder = join(cache, 'thing-1.0')
  for (let step = 1; ; step++) {
    // What earlier ones have left is there: interrupted once more, a step later.
    const ended = await run(folder, String(step))
    // A lock that was not signed is void after ten seconds, which need not be waited for.
    if (existsSync(`${folder}.lock`)) await utimes(`${folder}.lock`, 0, 0)
    if (ended === 0) break
    expect(ended).toBe('SIGKILL')
    expect(step).toBeLessThan(100)
  }
  expect(await readFile(join(folder, 'product'), 'utf8')).toBe('whole')
  // A second one finds it made, and gives back what the last one that was killed has held.
  expect(await run(folder, '0')).toBe(0)
  expect(await readdir(folder)).toEqual(['product'])
})

test('one makes, the others wait for it', async () => {
  const folder = join(await temporaryFolder('made-once'), 'thing')
  let made = 0
  const make = async (staging: string) => {
    made++
    await writeFile(join(staging, 'product'), '')
  }
  await Promise.all([1, 2, 3].map(() => madeOnce(folder, 'product', make)))
  expect(made).toBe(1)
})

test('what could not be made leaves nothing, and is tried again', async () => {
  const cache = await temporaryFolder('made-once')
  const failing = madeOnce(join(cache, 'thing'), 'product', () => Promise.reject(new Error('away')))
  await expect(failing).rejects.toThrow('away')
  expect(await readdir(cache)).toEqual([])
})

test('a Go program is built where an earlier, interrupted build has left its module', async () => {
  const cache = await temporaryFolder('go-build')
  const path = join(cache, 'path')
  const folder = join(cache, 'program-1.0')
  await mkdir(join(folder, 'building'), { recursive: true })
  await writeFile(join(folder, 'building', 'go.mod'), 'module check')
  await mkdir(path)
  // Stands for the Go compiler, which refuses a second module, and builds what follows -o.
  const go = `case "$1" in
    mod) [ ! -e go.mod ] && echo module > go.mod ;;
    build) echo '#!/bin/sh' > "$3" ;;
  esac`
  await writeFile(join(path, 'go'), `#!/bin/sh\n${go}\n`)
  await chmod(join(path, 'go'), 0o755)
  const before = process.env.PATH
  process.env.PATH = `${path}:${before}`
  try {
    await madeOnce(folder, 'program', (staging) => buildWithGo(staging, 'module@v1.0', 'program'))
  } finally {
    process.env.PATH = before
  }
  expect(await readdir(folder)).toEqual(['program'])
})
