import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { rules } from './rules.ts'

// The proof itself takes long (npm run prove); that it still fits the sources does not.
test.each(rules)(
  '$name: its text stands in $file exactly once',
  async ({ file, find, replace }) => {
    const source = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8')
    expect(source.split(find).length - 1).toBe(1)
    expect(replace).not.toBe(find)
  },
)
