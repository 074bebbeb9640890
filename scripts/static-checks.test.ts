import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

const { scripts } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
const steps: string[] = scripts.check.split(' && ')

/** Each step of `npm run check` is a test, so that `npm test` says all there is to say. */
describe('npm run check', () => {
  test('has its three steps', () => {
    expect(steps).toEqual(['tsc', expect.stringMatching(/^biome /), 'node scripts/tidy.ts'])
  })

  test.each(steps)('%s', async (step) => {
    const [program = '', ...args] = step.split(' ')
    // The programs are on npm's PATH, but a test may also be started without npm.
    const path = [`${root}/node_modules/.bin`, process.env.PATH].join(':')
    const env = { ...process.env, PATH: path }
    await run(program, args, { cwd: root, env }).catch(({ stdout, stderr }) => {
      throw new Error(`${step}:\n${stdout}${stderr}`)
    })
  })
})
