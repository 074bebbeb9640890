import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import { metricsOf } from '@spacegrid/grid/doors/admin/status-metrics'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import {
  type PipelineOptions,
  RequestPipeline,
} from '@spacegrid/grid/doors/request/request-pipeline'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { openTracing } from '@spacegrid/grid/program/open-tracing'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { Registry } from 'prom-client'
import {
  benchSpace,
  items,
  loadEntries,
  loadSizedEntries,
  sizedItems,
} from '../hot-path/bench-space.ts'
import { fewEntries, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'
import { timeReads } from '../processes/time-reads.ts'

export interface ProcessingUnitSubjectOptions {
  readonly natsUrl: string
  readonly space: string
  /** Of this unit among those of the space, from 0. The first one writes the entries. */
  readonly number: number
  readonly of: number
  readonly entries: number
  /** What writes them. Default: the entries of both caches. */
  readonly loads?: readonly ('load' | 'loadSmall')[]
  /** Writes entries with values of so many bytes instead, and works on those. */
  readonly valueBytes?: number
  /** Where a further unit gets them from. Default: a peer. */
  readonly source?: RehydrationSource
  /** Opens HTTP on a free port (request `port`) and the NATS services. */
  readonly doors?: boolean
  /** With a command that declares an affinity. */
  readonly affinity?: boolean
  /** What is told of its work. Default: nothing. */
  readonly watched?: WatchedUnit
}

/** Who looks at a unit while it works. */
export interface WatchedUnit {
  /** It counts and observes, for `metrics` to be asked. */
  readonly metrics: boolean
  /** Where spans go; left out: nothing is traced. */
  readonly collector?: string
  /** Of the commands and queries, that are traced. */
  readonly share?: number
}

/** How often the event loop's delay is looked at. */
const watchedEveryMs = 1

/** A processing unit as in production, on a log of JetStream and on NATS messaging. */
export async function open(options: ProcessingUnitSubjectOptions): Promise<Subject> {
  const { natsUrl, space, number, of, entries } = options
  const name = `unit-${number}`
  const [log, messaging] = await Promise.all([
    JetStreamLog.open(natsUrl, { stream: streams.log(space), subject: subjects.log(space) }),
    NatsMessaging.open(natsUrl, { name }),
  ])
  const watching = await watch(name, options.watched)
  const unit = new ProcessingUnit(
    name,
    benchSpace(space, options.affinity),
    { log, messaging, clock: new SystemClock(), random: new SystemRandom(), ...watching.ports },
    {
      sources: number === 0 ? ['log'] : [options.source ?? 'peer'],
      // On a busy machine the callers of a unit that is watched must not be turned away more often.
      ...(options.watched ? { queueDelayMs: 0 } : {}),
    },
  )
  const baseBytes = bytesInUse()
  const from = performance.now()
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  const readyMs = performance.now() - from
  const { valueBytes } = options
  if (number === 0)
    await (valueBytes === undefined
      ? loadEntries(unit, entries, options.loads)
      : loadSizedEntries(unit, entries, valueBytes))
  const read =
    valueBytes === undefined
      ? (key: string) => unit.get(items, key)
      : (key: string) => unit.get(sizedItems, key)
  const delay = monitorEventLoopDelay({ resolution: watchedEveryMs })
  const doors = options.doors ? await openDoors(unit, messaging, watching.ports) : undefined
  /** Units have their own keys, unless all use the hot one. */
  const own = Math.max(1, Math.floor(entries / of))
  const keyAmong = (turn: number, among: number) =>
    `item-${numberAt(turn, Math.min(among, own)) * of + number}`
  const keyAt = (turn: number) => keyAmong(turn, own)
  return {
    operations: {
      get: (turn) => unit.get(items, keyAt(turn)),
      query: (turn) => unit.query('item', { itemId: keyAt(turn) }),
      put: (turn) => unit.execute('touch', { itemId: keyAt(turn), by: 1 }),
      /** Among so few entries that the processor's caches hold them, however many there are. */
      putFew: (turn) => unit.execute('touch', { itemId: keyAmong(turn, fewEntries), by: 1 }),
      touchSmall: (turn) => unit.execute('touchSmall', { itemId: keyAt(turn), by: 1 }),
      bumpSmall: (turn) => unit.execute('bumpSmall', { itemId: keyAt(turn) }),
      touchSized: (turn) => unit.execute('touchSized', { itemId: keyAt(turn) }),
      hotHandler: () => unit.execute('touchSmall', { itemId: 'item-0', by: 1 }),
      hotHome: () => unit.execute('touchHome', { itemId: 'item-0', by: 1 }),
      hotOperation: () => unit.execute('bumpSmall', { itemId: 'item-0' }),
    },
    retries: () => unit.status().collisions,
    requests: {
      port: () => doors?.port,
      space: () => space,
      status: () => unit.status(),
      /** Asked as Prometheus does. */
      metrics: () => watching.ask(unit),
      readyMs: () => readyMs,
      usage: () => ({ ...usageOf(unit), baseBytes }),
      watchDelay: () => {
        delay.reset()
        delay.enable()
      },
      /** What is recorded is the time between two looks. */
      longestDelayMs: () => delay.max / 1e6 - watchedEveryMs,
      /** Among the first so many entries only, if given. */
      timeReads: (ms: number, among = own) => timeReads(read, (turn) => keyAmong(turn, among), ms),
    },
    close: async () => {
      await doors?.close()
      await unit.stop()
      await watching.close()
      await messaging.close()
      await log.close()
    },
  }
}

function usageOf(unit: ProcessingUnit) {
  const { user, system } = process.cpuUsage()
  return { bytes: bytesInUse(), cpuMs: (user + system) / 1000, position: unit.position }
}

/** After a collection, if the process may ask for one. */
function bytesInUse(): number {
  // What a buffer outside the heap takes is given back only after the first collection.
  for (let pass = 0; pass < 2; pass++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function watch(name: string, watched: WatchedUnit | undefined) {
  const { metrics = false, collector: endpoint, share = 0 } = watched ?? {}
  const telemetry = metrics ? new PrometheusTelemetry() : undefined
  const environment = {
    ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
    ...{ OTEL_TRACES_SAMPLER_ARG: share, UNIT_NAME: name },
  }
  const tracing = await openTracing(environment, 'processing-unit')
  let registry: Registry | undefined
  return {
    ports: { ...(telemetry ? { telemetry } : {}), ...(tracing ? { tracing } : {}) },
    ask: async (unit: ProcessingUnit) => {
      if (!telemetry) return 0
      registry ??= metricsOf(statusOfUnits(name, 'processing-unit', [unit]), telemetry.registry)
      return (await registry.metrics()).length
    },
    close: async () => await tracing?.close(),
  }
}

async function openDoors(
  unit: ProcessingUnit,
  messaging: NatsMessaging,
  watched: Pick<PipelineOptions, 'telemetry' | 'tracing'>,
) {
  const log = { error: (_details: object, message: string) => process.stderr.write(`${message}\n`) }
  const pipeline = new RequestPipeline(watched)
  const http = createHttpServer([unit], { log, pipeline })
  await http.listen({ host: '127.0.0.1', port: 0 })
  const services = await serveSpace(messaging, unit, { log, pipeline })
  return {
    port: (http.server.address() as AddressInfo).port,
    close: async () => {
      await services.stop()
      await http.close()
    },
  }
}
