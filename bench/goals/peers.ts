import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { GoalContext } from './goal-context.ts'

/**
 * Who is compared, by the process that does its work; settings as in the table "Where the peers
 * stand".
 */
const starters = {
  'bare Map': (context) => context.start('memory', { kind: 'map', entries: context.entries }),
  'lru-cache': (context) => context.start('memory', { kind: 'lru', entries: context.entries }),
  LMDB: async (context) =>
    context.start('lmdb', { folder: await context.servers.folder(), entries: context.entries }),
  Redis: (context, loads) => startOn(context, 'redis', 'redis', { loads }),
  Hazelcast: (context, loads) => startOn(context, 'hazelcast', 'hazelcast', { loads }),
  MongoDB: (context, loads) => startOn(context, 'mongodb', 'mongodbStandalone', { loads }),
  'NATS KV': (context, loads) =>
    startOn(context, 'nats-kv', 'natsDefaultSync', { bucket: 'peers', loads }),
  'NATS KV synced': (context, loads) =>
    startOn(context, 'nats-kv', 'nats', { bucket: 'peers', loads }),
  'bare JetStream': (context) =>
    startOn(context, 'jetstream', 'natsDefaultSync', { stream: newSpaceName() }),
  'bare JetStream synced': (context) =>
    startOn(context, 'jetstream', 'nats', { stream: newSpaceName() }),
} satisfies Record<string, (context: GoalContext, loads: boolean) => Promise<RunningSubject>>

export type PeerName = keyof typeof starters

export const peerNames = Object.keys(starters) as readonly PeerName[]
export const isPeerName = (text: string): text is PeerName => Object.hasOwn(starters, text)

/** @returns undefined when this peer cannot be had here; the context remembers why */
export function startPeer(
  context: GoalContext,
  name: PeerName,
  loads = true,
): Promise<RunningSubject | undefined> {
  context.say(`starting ${name}`)
  return context.orLeftOut(name, () => starters[name](context, loads))
}

/** Several clients, each in a process; the first one has written the entries. */
export async function startClients(
  context: GoalContext,
  name: PeerName,
  clients: number,
): Promise<RunningSubject[]> {
  const started: RunningSubject[] = []
  for (let number = 0; number < clients; number++) {
    const client = await startPeer(context, name, number === 0)
    if (!client) return []
    started.push(client)
  }
  return started
}

async function startOn(
  context: GoalContext,
  module: string,
  server: Parameters<GoalContext['servers']['url']>[0],
  options: object,
): Promise<RunningSubject> {
  const url = await context.servers.url(server)
  return await context.start(module, { url, entries: context.entries, ...options })
}

export interface UnitsOptions {
  readonly entries?: number
  readonly doors?: boolean
  readonly affinity?: boolean
  readonly loads?: readonly ('load' | 'loadSmall')[]
  readonly flags?: readonly string[]
}

/**
 * Processing units of one space, each in a process, on a log that is synced before every
 * acknowledgement.
 */
export async function startUnits(
  context: GoalContext,
  units: number,
  { flags, ...options }: UnitsOptions = {},
): Promise<[RunningSubject, ...RunningSubject[]]> {
  context.say(`starting ${units === 1 ? 'a processing unit' : `${units} processing units`}`)
  const natsUrl = await context.servers.url('nats')
  const shared = { natsUrl, space: newSpaceName(), of: units, entries: context.entries, ...options }
  const first = await context.start('processing-unit', { ...shared, number: 0 }, flags)
  const started: [RunningSubject, ...RunningSubject[]] = [first]
  for (let number = 1; number < units; number++)
    started.push(await context.start('processing-unit', { ...shared, number }, flags))
  return started
}
