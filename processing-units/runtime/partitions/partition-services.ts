import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { type SpaceServicesOptions, serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import type {
  BatchAnswer,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  PastReads,
  QueryAnswer,
  ReadOptions,
  Serving,
  SpaceStatus,
} from '@spacegrid/grid/doors/request/serving'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { serveNewest } from '../query-unit/newest-service.ts'
import type { PartitionedUnit } from './partitioned-unit.ts'

/**
 * The services of single partitions, for callers who know where what they ask for is: answered by
 * those that keep it, for as long as they do.
 */
export class PartitionServices implements Subscription {
  readonly #messaging: Messaging
  readonly #unit: PartitionedUnit
  readonly #options: SpaceServicesOptions
  readonly #open = new Map<number, readonly Subscription[]>()
  #work: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(messaging: Messaging, unit: PartitionedUnit, options: SpaceServicesOptions) {
    this.#messaging = messaging
    this.#unit = unit
    this.#options = options
    unit.whenKept = () => this.#follow()
    this.#follow()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#follow()
    await this.#work
  }

  /** One change after the other: a partition may come and go while its services are opened. */
  #follow(): void {
    this.#work = this.#work.then(async () => {
      const kept = this.#stopped ? new Map<number, unknown>() : this.#unit.kept
      for (const [partition, services] of this.#open)
        if (!kept.has(partition)) {
          this.#open.delete(partition)
          for (const service of services) await service.stop()
        }
      for (const partition of kept.keys())
        if (!this.#open.has(partition)) await this.#serve(partition)
    })
  }

  async #serve(partition: number): Promise<void> {
    const unit = new PartitionServing(this.#unit, partition)
    const { log, takesCommands } = this.#options
    const services: Subscription[] = []
    this.#open.set(partition, services)
    try {
      services.push(await serveSpace(this.#messaging, unit, { ...this.#options, partition }))
      const logName = logNameOf(this.#unit.space.name, partition)
      const kept = this.#unit.kept.get(partition)
      if (kept && takesCommands)
        services.push(await serveNewest(this.#messaging, logName, kept, log))
    } catch (error) {
      for (const service of services) await service.stop()
      this.#open.delete(partition)
      // Not connected just now; it is looked at again with the next change.
      if (!isGridError(error)) throw error
    }
  }
}

/** A unit as those see it who ask for one of its partitions. */
class PartitionServing implements Serving {
  readonly #unit: PartitionedUnit
  readonly #partition: number

  constructor(unit: PartitionedUnit, partition: number) {
    this.#unit = unit
    this.#partition = partition
  }

  get name(): string {
    return this.#unit.name
  }

  get space(): Space {
    return this.#unit.space
  }

  execute(name: string, input: unknown, options?: ExecuteOptions): Promise<CommandAnswer> {
    return this.#unit.executeAt(this.#partition, name, input, options)
  }

  query(name: string, input: unknown, options?: ReadOptions): Promise<QueryAnswer> {
    return this.#unit.queryAt(this.#partition, name, input, options)
  }

  queries(batch: readonly BatchedQuery[], options?: ReadOptions): Promise<BatchAnswer> {
    return this.#unit.queriesAt(this.#partition, batch, options)
  }

  entry(cache: string, key: string, options?: ReadOptions): Promise<EntryAnswer> {
    return this.#unit.entryAt(this.#partition, cache, key, options)
  }

  get past(): PastReads {
    return this.#unit.past.at(this.#partition)
  }

  get position(): string {
    return this.#unit.position
  }

  readiness(): Readiness {
    return this.#unit.readiness()
  }

  status(): SpaceStatus {
    return this.#unit.status()
  }
}
