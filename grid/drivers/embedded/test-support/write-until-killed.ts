import { SystemClock } from '../../system/system-clock.ts'
import { EmbeddedEnvironment } from '../embedded-environment.ts'
import { EmbeddedLog } from '../embedded-log.ts'
import { EmbeddedStore } from '../embedded-store.ts'

/*
 * A process for tests to kill, on the directory it is given. It appends to the log, sixteen records
 * at a time and of very different sizes, trims it now and then, and prints `log POSITION CONTENT`
 * for each acknowledged record; beside that it moves a space in the store from checkpoint to
 * checkpoint, all fifty entries each time, and prints `store POSITION 0`.
 */
const directory = process.argv[2]
if (!directory) throw new Error('usage: write-until-killed DIRECTORY')
const clock = new SystemClock()
const environment = new EmbeddedEnvironment(directory)
const log = new EmbeddedLog(environment, 'log', clock)
const store = new EmbeddedStore(environment, 'store', clock)
const keys = Array.from({ length: 50 }, (_, number) => `${number}`)
const checkpoint = {
  logIdentity: 'log',
  digest: '',
  entries: keys.length,
  replicated: new Uint8Array(0),
}

async function appendForever(writer: number): Promise<never> {
  for (let number = 0; ; number++) {
    const content = `${process.pid}-${writer}-${number}`
    const data = Buffer.alloc(content.length + ((number * 7919) % 20_000))
    data.write(content)
    const position = await log.append(data)
    process.stdout.write(`log ${position} ${content}\n`)
    if (position % 100 === 0) await log.trim(position - 500)
  }
}

async function storeForever(): Promise<never> {
  let from = (await store.checkpoint('space'))?.position ?? 0
  for (;;) {
    const position = from + 1
    const version = position
    const value = { position }
    const changes = keys.map((key) => ({ cache: 'cache', key, value, version, position }))
    await store.apply('space', from, { ...checkpoint, position }, changes)
    process.stdout.write(`store ${position} 0\n`)
    from = position
  }
}

const appending = Array.from({ length: 16 }, (_, writer) => appendForever(writer))
await Promise.all([...appending, storeForever()])
