import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** `CHROMIUM_BINARY`, or what is on `PATH`; undefined: there is none. */
export function browserProgram(): string | undefined {
  const { CHROMIUM_BINARY, PATH = '' } = process.env
  if (CHROMIUM_BINARY) return CHROMIUM_BINARY
  return PATH.split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path))
}

/** A real browser without a window. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = browserProgram()
  if (executablePath === undefined) throw new Error('there is no browser')
  const args = ['--no-sandbox', '--disable-dev-shm-usage']
  return await chromium.launch({ executablePath, args })
}
