import { fileURLToPath } from 'node:url'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { streams } from '@spacegrid/grid/engine/wire/subjects'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { expect, test } from 'vitest'
import { CounterCrowd } from '../support/counter-crowd.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { NatsCluster } from '../support/nats-cluster.ts'
import { PatientClient } from '../support/patient-client.ts'

const partitions = 8
const log = (partition: number) => streams.log(logNameOf('divided', partition))
const all = Array.from({ length: partitions }, (_, partition) => partition)
const partitionOf = (id: string) => partitionOfHash(partitionHash([id]), partitions)
/** Longer than anything here: whoever is not answered at once has waited, not asked again. */
const answerMs = 60_000

// architecture.md, section 5: the log of one partition is away, all others go on.
test('the leader of some partitions’ logs is lost: the others notice nothing, those go on with a new one', {
  timeout: 300_000,
}, async () => {
  await using nats = await NatsCluster.start()
  const [one, two, lost] = nats.members as [LocalServer, LocalServer, LocalServer]
  await using grid = await FaultGrid.start({
    application: {
      files: [fileURLToPath(new URL('../support/divided-space.ts', import.meta.url))],
      spaces: ['divided'],
      partitions: { divided: partitions },
    },
    // Nobody is connected to the member that is lost: only what it leads is.
    urls: { nats: `${one.url},${two.url}` },
    environment: { STREAM_REPLICAS: '3' },
  })
  const affected = [2, 5]
  for (const partition of all)
    await nats.leadBy(
      log(partition),
      affected.includes(partition) ? lost : partition % 2 ? one : two,
    )
  const ids = Array.from({ length: 4 * partitions }, (_, at) => `counter-${at}`)
  const crowdOf = (isMeant: (id: string) => boolean) => {
    const meant = ids.filter(isMeant)
    expect(meant.length).toBeGreaterThan(2)
    return new CounterCrowd(new PatientClient(grid.cluster.urls.http, { answerMs }), meant)
  }
  const harmed = crowdOf((id) => affected.includes(partitionOf(id)))
  const others = crowdOf((id) => !affected.includes(partitionOf(id)))
  await Promise.all([harmed.goesOn(), others.goesOn()])

  await lost.kill()
  await others.goesOn()
  await others.goesOn()
  await harmed.goesOn()
  expect([...others.retried]).toEqual([])
  for (const partition of affected) expect(await nats.leaderOf(log(partition))).not.toBe(lost)

  await lost.restart()
  for (const partition of all) await nats.untilCurrent(log(partition))
  await Promise.all([harmed.goesOn(), others.goesOn()])
  await Promise.all([harmed.end(), others.end()])
  expect([...(await harmed.differences()), ...(await others.differences())]).toEqual([])
})
