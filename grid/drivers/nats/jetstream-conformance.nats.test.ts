import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { inject } from 'vitest'
import { describeLogConformance, type LogConformanceSubject } from '../../kit/log-conformance.ts'
import { JetStreamLog } from './jetstream-log.ts'
import { LogConnections } from './log-connections.ts'

/** Room for two of the largest records. */
const maxBytes = 3 * 1024 * 1024

async function subjectOn(server: string | LogConnections): Promise<LogConformanceSubject> {
  const name = uniqueName()
  const log = await JetStreamLog.open(server, {
    stream: `SPACE_${name}_LOG`,
    subject: `spacegrid.${name}.log`,
    maxBytes,
  })
  return {
    log,
    fill: async () => {
      for (let room = true; room; )
        room = await log.append(new Uint8Array(log.recordBytesMax / 2)).then(
          () => true,
          () => false,
        )
    },
    close: () => log.close(),
  }
}

describeLogConformance('JetStreamLog', () => subjectOn(inject('natsUrl')))

describeLogConformance('JetStreamLog over shared connections', async () => {
  const connections = await LogConnections.open(inject('natsUrl'), { name: 'shared' })
  const subject = await subjectOn(connections)
  return {
    ...subject,
    close: async () => {
      await subject.close()
      await connections.close()
    },
  }
})
