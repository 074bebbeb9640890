import { expect, test } from 'vitest'
import { compiled, filesBeside, withCompiledSpecifiers } from './specifiers.ts'

const rewritten = (text: string) => withCompiledSpecifiers('spacegrid/servers/reaper.ts', text)

test.each([
  ["import { A } from '@spacegrid/grid/core/a'", "import { A } from '../../grid/core/a.js'"],
  ["export * from './b.ts'", "export * from './b.js'"],
  [
    "type C = import('@spacegrid/runtime/c').C",
    "type C = import('../../processing-units/runtime/c.js').C",
  ],
  ["import { D } from 'spacegrid/testing'", "import { D } from '../testing/index.js'"],
  ["import manifest from '../package.json' with { type: 'json' }", undefined],
  ["import { E } from 'mongodb'", undefined],
  ["const name = 'spacegrid/testing'", undefined],
  ["// import '@spacegrid/grid/core/a'", undefined],
  ["new URL('./f.ts', import.meta.url)", "new URL('./f.js', import.meta.url)"],
  ["new URL('./page.css', import.meta.url)", undefined],
])('%s', (text, expected = text) => {
  expect(rewritten(text)).toBe(expected)
})

test('one specifier beside a string of the same text', () => {
  const text = "import 'spacegrid'\nconst name = 'spacegrid'"
  expect(rewritten(text)).toBe("import '../index.js'\nconst name = 'spacegrid'")
})

test('programs and assets beside a module belong to it, folders do not', () => {
  const text = `new URL('./a.ts', import.meta.url); new URL("../b.css", import.meta.url)
    new URL('../..', import.meta.url); // new URL('./c.ts', import.meta.url)`
  expect(filesBeside('grid/core/x.ts', text)).toEqual(['grid/core/a.ts', 'grid/b.css'])
})

test('declarations keep their name', () => {
  expect(['a.ts', 'a.d.ts', 'a.json'].map(compiled)).toEqual(['a.js', 'a.d.ts', 'a.json'])
})
