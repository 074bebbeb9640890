import { execFileSync, spawnSync } from 'node:child_process'

/**
 * Whether Prometheus and its tool are installed. A person may do without these tests, CI may not.
 */
export function isPrometheusInstalled(host: NodeJS.ProcessEnv): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true') throw new Error('The tests need promtool', { cause: error })
    process.stderr.write('!!! SKIPPING what promtool checks: it is not installed\n')
    return false
  }
}

/** What promtool says, and its exit code. */
export function promtool(
  folder: string,
  ...given: readonly string[]
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', given, { cwd: folder, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}
