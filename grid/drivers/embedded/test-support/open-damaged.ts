import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isGridError } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { checkpointAt, put } from '@spacegrid/grid/kit/store-conformance'
import { SystemClock } from '../../system/system-clock.ts'
import { EmbeddedEnvironment } from '../embedded-environment.ts'
import { EmbeddedLog } from '../embedded-log.ts'
import { EmbeddedStore } from '../embedded-store.ts'

/*
 * A process for a test that wants to know whether it lives: makes a data directory, damages copies
 * of it, opens each, reads everything and prints one line for each: `sound` (everything is as it
 * was), `told CODE`, or what is wrong. Arguments: the first seed, how many.
 */
const [first = 1, count = 1] = process.argv.slice(2).map(Number)
const clock = new SystemClock()
const original = mkdtempSync(join(tmpdir(), 'spacegrid-damage-'))
const directory = `${original}-copy`

interface Content {
  readonly records: readonly string[]
  readonly checkpoint: unknown
  readonly entries: readonly unknown[]
}

async function make(): Promise<Content> {
  const environment = new EmbeddedEnvironment(original)
  const log = new EmbeddedLog(environment, 'log', clock)
  const store = new EmbeddedStore(environment, 'store', clock)
  const sizes = Array.from({ length: 200 }, (_, n) => (n % 50 === 7 ? 12_000 : 40 + n))
  for (let at = 0; at < sizes.length; at += 20)
    await Promise.all(
      sizes.slice(at, at + 20).map((size, n) => log.append(Buffer.alloc(size, n + 1))),
    )
  await log.trim(30)
  const changes = Array.from({ length: 300 }, (_, n) =>
    put(`key ${n}`, { n, text: 'x'.repeat(n % 60 === 5 ? 9000 : n) }, n + 1),
  )
  await store.apply('space', 0, checkpointAt(300, { entries: 300 }), changes)
  await store.apply('space', 300, checkpointAt(310, { entries: 300 }), changes.slice(0, 10))
  const content = await read(log, store)
  await log.close()
  await store.close()
  await environment.close()
  return content
}

async function read(log: EmbeddedLog, store: EmbeddedStore): Promise<Content> {
  const { first, last } = await log.bounds()
  const records: string[] = []
  for (let position = first; position <= last; position++) {
    const record = await log.read(position)
    records.push(
      `${position} ${record?.time} ${Buffer.from(record?.data ?? []).toString('base64')}`,
    )
  }
  const scan = await store.scan('space')
  const entries: unknown[] = []
  for await (const chunk of scan?.chunks() ?? []) entries.push(...chunk)
  await scan?.close()
  return { records, checkpoint: await store.checkpoint('space'), entries }
}

/** Some bytes somewhere, a run of them, or an end that is cut off. */
function damage(random: SeededRandom): void {
  const path = join(directory, random.chance(0.5) ? 'log.mdb' : 'store.mdb')
  const bytes = readFileSync(path)
  if (random.chance(0.2)) {
    truncateSync(path, random.below(bytes.length))
    return
  }
  const changes = random.chance(0.5) ? 1 : 1 + random.below(30)
  for (let n = 0; n < changes; n++) {
    const at = random.below(bytes.length)
    const length = random.chance(0.8) ? 1 : random.below(5000)
    if (random.chance(0.5)) bytes.subarray(at, at + length).fill(random.below(256))
    else bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  }
  writeFileSync(path, bytes)
}

async function outcome(content: Content): Promise<string> {
  const environment = new EmbeddedEnvironment(directory)
  const open: { close(): Promise<void> }[] = []
  try {
    const log = new EmbeddedLog(environment, 'log', clock)
    open.push(log)
    const store = new EmbeddedStore(environment, 'store', clock)
    open.push(store)
    const found = await read(log, store)
    return isDeepStrictEqual(found, content) ? 'sound' : 'wrong: it gives what was never written'
  } catch (error) {
    return isGridError(error) ? `told ${error.code}` : `wrong: ${(error as Error).stack}`
  } finally {
    for (const one of open) await one.close()
    await environment.close()
  }
}

const content = await make()
for (let seed = first; seed < first + count; seed++) {
  process.stdout.write(`${seed} `)
  cpSync(original, directory, { recursive: true })
  damage(new SeededRandom(seed))
  process.stdout.write(`${(await outcome(content)).replaceAll('\n', ' | ')}\n`)
  rmSync(directory, { recursive: true })
}
rmSync(original, { recursive: true })
