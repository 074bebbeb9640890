import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { noTelemetry, type Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { Policy } from './policies.ts'

export interface OverloadUnit {
  readonly unit: ProcessingUnit
  close(): Promise<void>
}

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})

/** A unit on a log of its own, whose command works for so long before it writes. */
export async function openOverloadUnit(
  natsUrl: string,
  policy: Policy,
  workMs: number,
): Promise<OverloadUnit> {
  const name = newSpaceName()
  const touch = defineCommand('touch', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      const until = performance.now() + workMs
      while (performance.now() < until);
      tx.put(items, { id, count: (tx.get(items, id)?.count ?? 0) + 1 })
    },
  })
  const space = defineSpace(name, { caches: [items], commands: [touch], queries: [] })
  const clock = new SystemClock()
  const log = await JetStreamLog.open(natsUrl, {
    stream: streams.log(name),
    subject: subjects.log(name),
  })
  const messaging = new InProcessMessaging(clock)
  const { observed } = policy
  const telemetry: Telemetry = observed
    ? { ...noTelemetry, distribution: () => observed }
    : noTelemetry
  const ports = { log, messaging, clock, random: new SystemRandom(), telemetry }
  const unit = new ProcessingUnit('bench', space, ports, { sources: ['log'], ...policy.unit })
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  return {
    unit,
    close: async () => {
      await unit.stop()
      await log.close()
    },
  }
}
