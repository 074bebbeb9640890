import { streams } from '../../engine/wire/subjects.ts'
import { toLogError } from './log-faults.ts'
import { NatsConnection } from './nats-connection.ts'

const connectTimeoutMs = 5000
const requestTimeoutMs = 5000
/** A name that no space has, to find what stands around one in the name of its stream. */
const anySpace = '*'
const [before = '', behind = ''] = streams.log(anySpace).split(anySpace)

/**
 * Names of the spaces that have a log on these servers, in the order of the alphabet.
 * @throws GridError `log_unavailable`
 */
export async function spacesWithLogs(natsUrl: string): Promise<string[]> {
  const connection = await NatsConnection.open(natsUrl, {
    name: 'spaces',
    connectTimeoutMs,
  })
  try {
    const settings = { timeout: requestTimeoutMs, checkAPI: false }
    const manager = await connection.driver.jetstreamManager(settings)
    const spaces: string[] = []
    for await (const name of manager.streams.names())
      if (name.startsWith(before) && name.endsWith(behind))
        spaces.push(name.slice(before.length, name.length - behind.length))
    return spaces.sort()
  } catch (error) {
    throw toLogError(error, 'the list of streams')
  } finally {
    await connection.close()
  }
}
