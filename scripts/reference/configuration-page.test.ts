import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { environmentSchema } from '../../grid/program/environment.ts'
import { configurationPage, configurationPagePath } from './configuration-page.ts'

const root = new URL('../../', import.meta.url)

test('docs/configuration.md is what programs read (npm run configuration)', async () => {
  expect(await readFile(new URL(configurationPagePath, root), 'utf8')).toBe(configurationPage())
})

test('every variable says what it means and what is allowed', () => {
  for (const [name, variable] of Object.entries(environmentSchema.properties)) {
    const { description, allowed } = variable as { description?: string; allowed?: string }
    expect(description, name).toMatch(/\S/)
    expect(allowed, name).toMatch(/\S/)
  }
})
