import type { LogName } from '../core/log-name.ts'
import type { Report } from '../engine/life/role-event.ts'
import type { MemoryLimits } from '../engine/memory/memory-limits.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Store } from '../engine/ports/store.ts'
import type { Component } from './component.ts'
import type { Environment, EnvironmentName } from './environment.ts'
import { runRole } from './role-program.ts'

/** What a component of one space may work with. */
export interface ComponentPorts {
  readonly log: Log
  readonly changes: Log
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Only for programs that need `MONGODB_URL`. */
  readonly store: Store
  /** Without `REDIS_URL` there is no warm image. */
  readonly image: { readonly image?: Store }
  /** What fits into the process. */
  readonly limits: MemoryLimits
}

export interface ComponentProgram {
  /** Such as `data-pump`. */
  readonly role: string
  /** Variables that the program cannot do without. */
  readonly required: readonly EnvironmentName[]
  /** As `SPACES` has it, where that is not set. Left out: it must be. */
  readonly spaces?: string | undefined
  readonly create: (
    logName: LogName,
    ports: ComponentPorts,
    report: Report,
    environment: Environment,
  ) => Component
}

/**
 * A role without doors of its own, for each space of `SPACES`: data pump, data writer or data
 * reader.
 */
export async function runComponent({
  role,
  required,
  spaces,
  create,
}: ComponentProgram): Promise<void> {
  const needed: EnvironmentName[] = spaces === undefined ? ['SPACES'] : []
  await runRole(role, [...required, ...needed], (environment) => ({
    spaces: (environment.SPACES ?? spaces ?? '').split(','),
    calledBy: role,
    names: (logName) => ({ space: logName }),
    where: (logName) => `space ${logName}`,
    create: async (logName, { log, messaging, clock, random }, report, adapters) => {
      const ports: ComponentPorts = {
        log,
        changes: await adapters.openChanges(logName),
        messaging,
        clock,
        random,
        limits: adapters.limits,
        get store() {
          return adapters.store
        },
        get image() {
          return adapters.image
        },
      }
      return create(logName, ports, report, environment)
    },
  }))
}
