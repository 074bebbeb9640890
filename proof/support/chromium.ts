import { execFileSync } from 'node:child_process'

const programs = ['chromium', 'chromium-browser', 'google-chrome']

/** A browser that tests can steer. A person may do without these tests, CI may not. */
export function chromiumPath(host: NodeJS.ProcessEnv): string | undefined {
  for (const program of programs)
    try {
      return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
    } catch {
      // Then another one.
    }
  if (host.CI === 'true') throw new Error(`The tests need one of ${programs.join(', ')}`)
  process.stderr.write('!!! SKIPPING the tests in browsers: there is no Chromium\n')
  return undefined
}
