import { isPythonInstalled, packagesWithNats } from '@spacegrid/proof/python/nats-py'
import { exampleFolder, printedByPython, startExample } from '@spacegrid/proof/python/run-example'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { cacheFolder } from 'spacegrid/servers/binary'
import { expect, test } from 'vitest'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

const packages = isPythonInstalled(process.env, 'the example in Python')
  ? await packagesWithNats(cacheFolder(), process.env)
  : undefined
const ranBy = 'run by tests/nats-python.test.ts'
const comparedBy = 'compared by tests/nats-python.test.ts'

// Skipped: without Python and nats-py there is nothing to run; said loudly above.
test.skipIf(packages === undefined)(
  'the example in Python prints what docs/nats.md says',
  {
    timeout: 120_000,
  },
  async () => {
    const blocks = await blocksOfPage('docs/nats.md')
    const example = blocks.find(({ note }) => note === ranBy)?.text ?? ''
    const printed = blocks.find(({ note }) => note === comparedBy)?.text ?? 'none'
    const guide = await blocksOfPage('docs/guide.md')
    const space = guide.find(({ text }) => text.startsWith('// space.ts'))?.text ?? ''
    const own = { 'space.ts': space, 'main.ts': program, 'example.py': example }
    const folder = await exampleFolder(own)
    await using nats = await startNats()
    await using _unit = await startExample(folder, 'main.ts', { NATS_URL: nats.url }, 'listening')
    expect(await printedByPython(folder, packages, nats.url)).toBe(printed)
  },
)

const program = `
import { runProcessingUnit } from 'spacegrid/program'
import shop from './space.ts'

await runProcessingUnit(() => shop)
`
