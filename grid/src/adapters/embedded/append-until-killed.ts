import { SystemClock } from '../system/system-clock.ts'
import { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedLog } from './embedded-log.ts'

/*
 * A process for tests to kill: appends to the log of the directory it is given, sixteen records at a time and of very different sizes, and
 * prints each acknowledged position with what it stored there.
 */
const directory = process.argv[2]
if (!directory) throw new Error('usage: append-until-killed DIRECTORY')
const log = new EmbeddedLog(new EmbeddedEnvironment(directory), 'log', new SystemClock())

async function appendForever(writer: number): Promise<never> {
  for (let number = 0; ; number++) {
    const text = `${process.pid}-${writer}-${number}`
    const data = Buffer.alloc(text.length + ((number * 7919) % 20_000))
    data.write(text)
    process.stdout.write(`${await log.append(data)} ${text}\n`)
  }
}

await Promise.all(Array.from({ length: 16 }, (_, writer) => appendForever(writer)))
