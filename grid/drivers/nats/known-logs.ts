import { type LogName, sortedLogNames, undashed } from '../../core/log-name.ts'
import { streams } from '../../engine/wire/subjects.ts'
import { toLogError } from './log-faults.ts'
import { NatsConnection } from './nats-connection.ts'

const connectTimeoutMs = 5000
const requestTimeoutMs = 5000
/** A name that no log has, to find what stands around one in the name of its stream. */
const anyLog = '*'
const [before = '', behind = ''] = streams.log(anyLog).split(anyLog)

/**
 * Names of the logs that are on these servers, space by space.
 * @throws GridError `log_unavailable`
 */
export async function knownLogs(natsUrl: string): Promise<LogName[]> {
  const connection = await NatsConnection.open(natsUrl, {
    name: 'logs',
    connectTimeoutMs,
  })
  try {
    const settings = { timeout: requestTimeoutMs, checkAPI: false }
    const manager = await connection.driver.jetstreamManager(settings)
    const logNames: LogName[] = []
    for await (const name of manager.streams.names())
      if (name.startsWith(before) && name.endsWith(behind))
        logNames.push(undashed(name.slice(before.length, name.length - behind.length)))
    return sortedLogNames(logNames)
  } catch (error) {
    throw toLogError(error, 'the list of streams')
  } finally {
    await connection.close()
  }
}
