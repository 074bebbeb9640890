import { basename } from 'node:path'
import type { Finding, Rule } from './rule.ts'

const linesAdvised = 350
const linesMax = 600
const testLinesMax = 900
const commentWidth = 100
/** A comment's line that can be parted. */
const breakable = /^\s*(?:\/\/|\/\*\*?|\*)\s+(?!\||biome-ignore|@ts-)\S+\s/

const banner = /^[ \t]*(?:\/\/|\*)[ \t]*[-=*]{3,}.*$/gm

/**
 * Names that say nothing of what is inside. The deployment manager is a term of the style's own.
 */
const emptyWords = /^(?:utils?|helpers?|common|manager|impl|misc)$/
const properTerm = 'deployment-manager'

const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/

// Written in parts, so that this file does not hold what it forbids.
const registryHosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['crates', 'io'],
  ['proxy', 'golang', 'org'],
  ['sum', 'golang', 'org'],
  ['repo', 'maven', 'apache', 'org'],
  ['repo1', 'maven', 'org'],
  ['deb', 'debian', 'org'],
  ['archive', 'ubuntu', 'com'],
].map((labels) => labels.join('\\.'))
const registryAddress = new RegExp(`(?<![\\w-])(?:${registryHosts.join('|')})(?![\\w-])`, 'g')

const machinePath = /(?<![\w.~:/$}-])\/(?:root|work|home\/[a-z]\w*|Users\/\w+)\/\S*/g

/** An application has its own settings. The third one sets what a library reads. */
const environmentReaders =
  /^(?:grid\/program\/(?:environment|settings)\.ts$|grid\/engine\/wire\/whole-strings\.ts$|grid\/drivers\/system\/heap-limit\.ts$|spacegrid\/|scripts\/|proof\/|tests\/|bench\/|vitest\.config\.ts$)/

const barrels = /^spacegrid(?:\/[a-z-]+)?\/index\.ts$/

const focusedOrSkipped = /(?<![.\w$])(?:test|it|describe|suite)(?:\.\w+)*\.(?:only|skip|skipIf)\b/g

/** Rules on a file's name, size and words. */
export const textRules: readonly Rule[] = [
  {
    name: 'file-length-advised',
    advice: `Past ${linesAdvised} lines a file says too much at once: divide it or justify it.`,
    warning: true,
    holdsFor: (file) => file.isTypeScript && !file.isTest,
    find: ({ lines }) => (lines > linesAdvised && lines <= linesMax ? tooLong(lines) : []),
  },
  {
    name: 'file-length',
    advice: `At most ${linesMax} lines, ${testLinesMax} for a test: divide it.`,
    holdsFor: (file) => file.isTypeScript,
    find: ({ lines, isTest }) => (lines > (isTest ? testLinesMax : linesMax) ? tooLong(lines) : []),
  },
  {
    name: 'comment-width',
    advice: `Comments end at column ${commentWidth}, as code does: the formatter does not wrap them.`,
    holdsFor: (file) => file.isTypeScript,
    find: (file) =>
      file.text.split('\n').flatMap((text, index) => {
        const isTooWide = text.length > commentWidth && breakable.test(text)
        return isTooWide ? [{ line: index + 1, what: `has ${text.length} columns` }] : []
      }),
  },
  {
    name: 'no-banners',
    advice: 'A line of dashes hides that a file has parts: part it, or let the names speak.',
    holdsFor: () => true,
    find: (file) => file.matches(banner).map(({ line }) => ({ line, what: 'has a banner' })),
  },
  {
    name: 'file-name-words',
    advice: 'Name it after what it holds, its main export.',
    holdsFor: (file) => file.isTypeScript,
    find: ({ path }) =>
      path
        .replaceAll(properTerm, '')
        .split(/[/.-]/)
        .filter((word) => emptyWords.test(word))
        .map((word) => ({ line: 1, what: `is called ${word}` })),
  },
  {
    name: 'kebab-case',
    advice: 'File and folder names are kebab-case: frame-codec.ts holds FrameCodec.',
    holdsFor: (file) => file.isTypeScript,
    find: ({ path }) =>
      path
        .split('/')
        .filter((name) => !kebabCase.test(name))
        .map((name) => ({ line: 1, what: `is called ${name}` })),
  },
  {
    name: 'one-barrel',
    advice: 'Only the published faces are barrels: import from where a thing is defined.',
    holdsFor: (file) => file.isTypeScript,
    find: ({ path }) =>
      basename(path) === 'index.ts' && !barrels.test(path)
        ? [{ line: 1, what: 'is an index.ts' }]
        : [],
  },
  {
    name: 'environment-in-one-place',
    advice: 'Settings come from grid/program (environment.ts, settings.ts), which checks them.',
    holdsFor: (file) => file.isTypeScript && !file.isTest && !environmentReaders.test(file.path),
    find: (file) =>
      file
        .matches(/(?<![.\w$])process\s*\.\s*env\b/g, file.codeOnly)
        .map(({ line }) => ({ line, what: 'reads process.env' })),
  },
  {
    name: 'no-focused-test',
    advice: 'All tests run. One that cannot: .skip with a comment before it, "// Skipped: why".',
    holdsFor: (file) => file.isTest,
    find: (file) =>
      file
        .matches(focusedOrSkipped, file.codeOnly)
        .filter(({ line, match }) => match.endsWith('only') || !saysWhy(file.text, line))
        .map(({ line, match }) => ({ line, what: `has ${match}` })),
  },
  {
    name: 'no-registry-address',
    advice: 'Each machine has its own registries: leave their addresses to its configuration.',
    holdsFor: () => true,
    find: (file) =>
      file.matches(registryAddress).map(({ line, match }) => ({ line, what: `names ${match}` })),
  },
  {
    name: 'no-machine-path',
    advice: 'This path exists on one machine only: make it relative, or take it from outside.',
    holdsFor: () => true,
    find: (file) =>
      file.matches(machinePath).map(({ line, match }) => ({ line, what: `names ${match}` })),
  },
]

function tooLong(lines: number): Finding[] {
  return [{ line: lines, what: `has ${lines} lines` }]
}

/** Whether the line itself or the one above says why the test is skipped. */
function saysWhy(text: string, line: number): boolean {
  const lines = text.split('\n')
  const says = (at: number) => /\/\/ Skipped: \S/.test(lines[at] ?? '')
  if (says(line - 1)) return true
  // Anywhere in the comment before it.
  for (let at = line - 2; /^\s*\/\//.test(lines[at] ?? ''); at--) if (says(at)) return true
  return false
}
