import type { LogName } from '../core/log-name.ts'
import { logNamesOf } from '../core/log-name.ts'
import type { Report } from '../engine/life/role-event.ts'
import { type MemoryLimits, sharedLimits } from '../engine/memory/memory-limits.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Store } from '../engine/ports/store.ts'
import { CheckedComponent } from './checked-component.ts'
import type { Component } from './component.ts'
import { DividedComponent } from './divided-component.ts'
import type { Environment, EnvironmentName } from './environment.ts'
import { type NamedSpace, namedSpaces } from './named-spaces.ts'
import type { ProcessAdapters } from './process-adapters.ts'
import { runRole } from './role-program.ts'

/** What a component of one log may work with. */
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
  /** What fits into the process, beside all others that are in it. */
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
 * reader. Of a space with several partitions it has a component for each.
 */
export async function runComponent(program: ComponentProgram): Promise<void> {
  const { role, required, spaces } = program
  const needed: EnvironmentName[] = spaces === undefined ? ['SPACES'] : []
  await runRole(role, [...required, ...needed], (environment) => {
    const named = new Map(
      namedSpaces(environment.SPACES ?? spaces ?? '').map((space) => [space.name, space]),
    )
    return {
      spaces: [...named.keys()],
      calledBy: role,
      names: (logName) => ({ space: logName }),
      where: (logName) => `space ${logName}`,
      create: async (name, adapters, reportOf) => {
        const space = named.get(name) as NamedSpace
        const make = async (logName: LogName) =>
          await createFor(program, logName, space, adapters, reportOf(logName), environment)
        if (space.partitions === 1) return await make(name)
        const parts = logNamesOf(name, space.partitions).map(async (logName) => {
          return [logName, await make(logName)] as const
        })
        return new DividedComponent(new Map(await Promise.all(parts)))
      },
    }
  })
}

async function createFor(
  { role, create }: ComponentProgram,
  logName: LogName,
  { partitions }: NamedSpace,
  adapters: ProcessAdapters,
  report: Report,
  environment: Environment,
): Promise<Component> {
  const { log, messaging, clock, random } = await adapters.portsOf(logName, role, partitions)
  const ports: ComponentPorts = {
    log,
    changes: await adapters.openChanges(logName, partitions),
    messaging,
    clock,
    random,
    limits: sharedLimits(adapters.limits, partitions),
    get store() {
      return adapters.store
    },
    get image() {
      return adapters.image
    },
  }
  return new CheckedComponent(create(logName, ports, report, environment), partitions)
}
