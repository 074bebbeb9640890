import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { inject } from 'vitest'
import { describeLogConformance } from '../../kit/log-conformance.ts'
import { JetStreamLog } from './jetstream-log.ts'

/** Room for two of the largest records. */
const maxBytes = 3 * 1024 * 1024

describeLogConformance('JetStreamLog', async () => {
  const name = uniqueName()
  const log = await JetStreamLog.open(inject('natsUrl'), {
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
})
