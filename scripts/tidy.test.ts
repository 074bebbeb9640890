import { describe, expect, test } from 'vitest'
import { SourceFile } from './tidy/source-file.ts'
import { rules, violationsIn } from './tidy.ts'

const declared = new Set(['@spacegrid/grid', '@spacegrid/proof', 'vitest', 'typebox'])
for (const name of ['nats', 'mongodb', 'fastify', '@fastify/swagger', 'msgpackr', 'fast-check']) {
  declared.add(name)
}
const project = {
  declaredFor: () => declared,
  circleOf: (path: string) => (path === 'grid/core/round.ts' ? [path, 'grid/core/about.ts'] : []),
}

function rulesBrokenBy(path: string, text: string): string[] {
  return violationsIn(new SourceFile(path, text), project).map(({ rule }) => rule.name)
}

const lines = (count: number) => 'export {}\n'.repeat(count)
// In parts, as in the rules themselves.
const registry = ['https://registry', 'npmjs', 'org/nats'].join('.')
const homeOfRoot = ['', 'root', 'project'].join('/')

/**
 * Rule, file, text that breaks it, and a near miss (in the same file unless another is named) that
 * does not.
 */
const cases: [rule: string, path: string, broken: string, fine: string, finePath?: string][] = [
  ['rooms', 'grid/attic/box.ts', '', '', 'grid/core/box.ts'],
  [
    'downhill',
    'grid/engine/wire/frame-codec.ts',
    "import type { Replica } from '../replica/replica.ts'",
    "import type { Frame } from '../../core/frame.ts'",
  ],
  [
    'downhill',
    'grid/doors/http/http-server.ts',
    "import { Spaces } from '@spacegrid/runtime/spaces'",
    "import type { Serving } from '../request/serving.ts'",
  ],
  ['no-circles', 'grid/core/round.ts', '', '', 'grid/core/meld.ts'],
  ['core-imports', 'grid/core/meld.ts', "import 'node:fs'", "import './frame.ts'"],
  [
    'core-imports',
    'grid/core/meld.ts',
    "import { pack } from 'msgpackr'",
    "import { Type } from 'typebox'",
  ],
  [
    'core-imports',
    'grid/core/meld.ts',
    "import type { Log } from '../engine/ports/log.ts'",
    "import { GridError } from './errors.ts'",
  ],
  [
    'core-globals',
    'grid/core/meld.ts',
    'const now = Date.now()',
    '// Not Date.now(): the frame says "setTimeout".\nconst now = clock.now()',
  ],
  ['core-globals', 'grid/core/meld.ts', 'const id = Math.random()', 'const id = "Math.random"'],
  ['core-globals', 'grid/core/meld.ts', 'setTimeout(go, 1)', 'clock.setTimeout(go, 1)'],
  ['core-globals', 'grid/core/meld.ts', 'const at = new Date()', 'new Date(tx.now)'],
  ['core-globals', 'grid/core/meld.ts', 'performance.now()', 'this.performance.now()'],
  [
    'port-imports',
    'grid/engine/ports/log.ts',
    "import { Frame } from '../../core/frame.ts'",
    "import type { Frame } from '../../core/frame.ts'",
  ],
  [
    'kit-stays-home',
    'data-pump/data-pump.ts',
    "import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'",
    "import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'",
    'data-pump/data-pump.test.ts',
  ],
  [
    'test-tools-stay-home',
    'proof/simulator/run.ts',
    "import { expect } from 'vitest'",
    "import { expect } from 'vitest'",
    'grid/kit/log-conformance.ts',
  ],
  [
    'drivers-in-drivers',
    'processing-units/runtime/unit.ts',
    "import { connect } from 'nats'",
    "import { connect } from 'nats'",
    'grid/drivers/nats/nats-connection.ts',
  ],
  [
    'drivers-in-drivers',
    'data-writer/main.ts',
    "import type { Db } from 'mongodb'",
    "import type { Db } from 'mongodb'",
    'data-writer/data-writer.mongodb.test.ts',
  ],
  [
    'drivers-apart',
    'grid/drivers/nats/jetstream-log.ts',
    "import { open } from '../embedded/embedded-log.ts'",
    "import { SystemClock } from '../system/system-clock.ts'",
  ],
  [
    'fastify-in-http',
    'processing-units/runtime/unit.ts',
    "import swagger from '@fastify/swagger'",
    "import fastify from 'fastify'",
    'grid/doors/http/server.ts',
  ],
  [
    'roles-apart',
    'data-pump/main.ts',
    "import { DataWriter } from '@spacegrid/data-writer/data-writer'",
    "import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'",
  ],
  [
    'roles-apart',
    'processing-units/auction/main.ts',
    "import { x } from '../ticketing/space.ts'",
    "import { x } from './space.ts'",
  ],
  [
    'applications-outside',
    'processing-units/auction/bids.test.ts',
    "import { Melder } from '@spacegrid/grid/core/meld'",
    "import { SpaceHarness } from 'spacegrid/testing'",
  ],
  [
    'applications-outside',
    'processing-units/auction/main.ts',
    "import { EmbeddedGrid } from 'spacegrid/embedded-grid'",
    "import { bids } from './bids.ts'",
  ],
  [
    'declared-packages',
    'data-pump/main.ts',
    "import { z } from 'lodash'",
    "import { z } from 'node:fs'",
  ],
  [
    'near-imports',
    'grid/drivers/nats/log.ts',
    "export * from '../../../package.ts'",
    "export * from '../../core/errors.ts'",
  ],
  ['file-length-advised', 'grid/core/a.ts', lines(351), lines(350)],
  ['file-length', 'grid/core/a.ts', lines(601), lines(600)],
  ['file-length', 'grid/core/a.test.ts', lines(901), lines(900)],
  ['file-name-words', 'grid/core/utils.ts', '', '', 'deployment-manager/main.ts'],
  ['file-name-words', 'grid/core/log-impl.ts', '', '', 'grid/core/implicit-log.ts'],
  ['comment-width', 'grid/core/a.ts', `// ${'word '.repeat(20)}`, `// ${'word '.repeat(19)}`],
  ['no-banners', 'grid/core/a.ts', '// ---- sending', '// What is sent -- or not.'],
  ['kebab-case', 'grid/core/frameCodec.ts', '', '', 'grid/core/frame-codec.nats.test.ts'],
  ['one-barrel', 'grid/core/index.ts', '', '', 'spacegrid/testing/index.ts'],
  [
    'environment-in-one-place',
    'data-pump/main.ts',
    'const url = process.env.NATS_URL',
    'const url = process.env.NATS_URL',
    'grid/program/environment.ts',
  ],
  ['no-focused-test', 'grid/core/a.test.ts', 'test.only(x)', 'stream.skip(3)'],
  [
    'no-focused-test',
    'grid/core/a.test.ts',
    'describe.skip(x)',
    '// Skipped: needs two machines.\ndescribe.skip(x)',
  ],
  ['no-registry-address', 'package-lock.json', registry, 'https://example.com/nats'],
  ['no-machine-path', 'docs/a.md', homeOfRoot, `https://example.com${homeOfRoot}`],
]

describe('every house rule', () => {
  test.each(cases)('%s: %s', (rule, path, broken, fine, finePath = path) => {
    expect(rulesBrokenBy(path, broken)).toContain(rule)
    expect(rulesBrokenBy(finePath, fine)).not.toContain(rule)
  })

  test('is shown to catch something', () => {
    const shown = new Set(cases.map(([rule]) => rule))
    expect(rules.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([])
  })
})

describe('imports', () => {
  const importsIn = (text: string) =>
    new SourceFile('a.ts', text).imports.map(({ specifier, typeOnly, line }) => [
      specifier,
      typeOnly,
      line,
    ])

  test('are found in every form', () => {
    const text = [
      "import a from 'a'",
      "import type { B } from 'b'",
      'import {\n  c,\n} from "c"',
      "export * from 'd'",
      "const e = await import('e')",
      "import 'f'",
    ].join('\n')
    expect(importsIn(text)).toEqual([
      ['a', false, 1],
      ['b', true, 2],
      ['c', false, 3],
      ['d', false, 6],
      ['e', false, 7],
      ['f', false, 8],
    ])
  })

  test('in comments, strings and after a regular expression with a quote are told apart', () => {
    const text = [
      "// import 'a'",
      "/* import 'b' */",
      'const text = "import \'c\'"',
      'const quote = /[\'"/]/',
      "import 'd'",
      'const half = 4 / 2',
      "export const name = 'e'",
    ].join('\n')
    expect(importsIn(text)).toEqual([['d', false, 5]])
  })
})
