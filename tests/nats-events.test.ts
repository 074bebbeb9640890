import { isPythonInstalled, packagesWithNats } from '@spacegrid/proof/python/nats-py'
import { exampleFolder, printedByPython, startExample } from '@spacegrid/proof/python/run-example'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { cacheFolder } from 'spacegrid/servers/binary'
import { expect, test } from 'vitest'
import { blocksOfPage } from '../scripts/docs-blocks.ts'

const packages = isPythonInstalled(process.env, 'the example of events in Python')
  ? await packagesWithNats(cacheFolder(), process.env)
  : undefined
const ranBy = 'run by tests/nats-events.test.ts'
const comparedBy = 'compared by tests/nats-events.test.ts'

// Skipped: without Python and nats-py there is nothing to run; said loudly above.
test.skipIf(packages === undefined)(
  'a consumer in Python gets the events that docs/nats.md says',
  { timeout: 120_000 },
  async () => {
    const blocks = await blocksOfPage('docs/nats.md')
    const example = blocks.find(({ note }) => note === ranBy)?.text ?? ''
    const printed = blocks.find(({ note }) => note === comparedBy)?.text ?? 'none'
    const live = await blocksOfPage('docs/live.md')
    const space = live.find(({ text }) => text.includes("defineSpace('box'"))?.text ?? ''
    const own = { 'space.ts': space, 'unit.ts': unit, 'pump.ts': pump, 'example.py': example }
    const folder = await exampleFolder(own)
    await using nats = await startNats()
    const environment = { NATS_URL: nats.url, EVENTS_BYTES_MAX: '1048576' }
    await using running = new AsyncDisposableStack()
    const programs = [
      startExample(folder, 'unit.ts', environment, 'listening'),
      startExample(folder, 'pump.ts', environment, 'started'),
    ]
    for (const program of await Promise.all(programs)) running.use(program)
    expect(await printedByPython(folder, packages, nats.url)).toBe(printed)
  },
)

const unit = `
import { runProcessingUnit } from 'spacegrid/program'
import box from './space.ts'

await runProcessingUnit(() => box)
`
const pump = `
import { runDataPump } from 'spacegrid/data-pump'

await runDataPump('box')
`
