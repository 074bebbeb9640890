import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runSimulate, type SimulationReport } from './simulate-command.ts'

const options = { from: 1, jobs: 1, keepGoing: false, coverage: false, shrink: false, json: true }
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spacegrid-simulate-'))
})
afterAll(async () => await rm(folder, { recursive: true }))

const define = pathToFileURL(fileURLToPath(new URL('../../grid/core/define.ts', import.meta.url)))

/** A module with a space, as it would lie in a project. */
async function fileWith(name: string, count: string, partitions = 1): Promise<string> {
  const file = join(folder, `${name}.ts`)
  const text = `import { defineCache, defineCommand, defineSpace, Type } from '${define}'
const notes = defineCache('notes', {
  schema: Type.Object({ id: Type.String(), count: Type.Number() }),
  key: 'id',
  partitionBy: 'id',
})
const write = defineCommand('write', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (tx, { id }) => tx.put(notes, { id, count: ${count} }),
})
export default defineSpace('${name}', {
  partitions: ${partitions},
  caches: [notes],
  commands: [write],
})
`
  await writeFile(file, text)
  return file
}

async function reportOf(file: string, seeds: number): Promise<[number, SimulationReport]> {
  const said: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.push(String(text))
    return true
  })
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const code = await runSimulate(file, { ...options, seeds }).finally(() => vi.restoreAllMocks())
  expect(write).toBeDefined()
  return [code, JSON.parse(said.join('')) as SimulationReport]
}

test('a file with a space is simulated in processes of its own: what is found, and in which seed', async () => {
  const [code, report] = await reportOf(await fileWith('careful', 'tx.now'), 2)
  expect([code, report.space, report.seeds, report.failures]).toEqual([0, 'careful', 2, []])
  expect(report.coverage['command write: answer']).toBeGreaterThan(0)

  const [wrong, found] = await reportOf(await fileWith('random', 'Math.random()'), 2)
  expect([wrong, found.failures.map(({ seed }) => seed)]).toEqual([1, [1]])
  expect(found.failures[0]?.problems[0]).toMatch(/^random: command write: uses Math\.random\(\)/)
})

test('a divided space is simulated as one partition, and that is said', async () => {
  const [code, report] = await reportOf(await fileWith('divided', 'tx.now', 4), 1)
  expect([code, report.partitions, report.failures]).toEqual([0, 4, []])
})

test('a file without a space is refused', async () => {
  const file = join(folder, 'empty.ts')
  await writeFile(file, 'export const nothing = 1\n')
  await expect(runSimulate(file, { ...options, seeds: 1 })).rejects.toThrow('exports no space')
})
