import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { type ComponentStatus, componentStatus } from './component-status.ts'
import type { FaultGrid } from './fault-grid.ts'
import { waitFor } from './wait-for.ts'

/** Those of whom one works and the other stands by. */
export const pairedRoles = ['data-pump', 'data-writer'] as const

export interface Pair {
  readonly active: ComponentProcess
  readonly standby: ComponentProcess
}

/** The one that works, and the one that stands by; waits until it is so. */
export async function pairOf(grid: FaultGrid, role: (typeof pairedRoles)[number]): Promise<Pair> {
  const both = grid.cluster.components.filter(({ settings }) => settings.role === role)
  return await waitFor(
    async () => {
      const states = await Promise.all(both.map(statusOf))
      const at = states.findIndex(({ state }) => state === 'active')
      const [active, standby] = [both[at], both[1 - at]]
      const isPair = active && standby && states[1 - at]?.state === 'standby'
      return isPair ? { active, standby } : undefined
    },
    { what: `one ${role} to work and one to stand by`, timeoutMs: 20_000 },
  )
}

/**
 * Two seconds are promised, and held in virtual time by the tests of pump and writer; a busy
 * machine gets more.
 */
const takeoverMsMax = 5000

/**
 * `stop` ends or freezes the active one. Waits until the other one has itself moved on beyond what
 * there was then, and tells how long that took.
 * @throws Error when it takes longer than `withinMs`
 */
export async function takesOver(
  { active, standby }: Pair,
  what: string,
  stop: () => Promise<void> | void,
  withinMs = takeoverMsMax,
): Promise<void> {
  await stop()
  const startedAt = performance.now()
  const from = progressOf(await statusOf(standby))
  await waitFor(
    async () => {
      const status = await statusOf(standby)
      return status.state === 'active' && progressOf(status) > from
    },
    { what: `${standby.settings.name} to take over from ${from}`, timeoutMs: withinMs },
  )
  const tookMs = Math.round(performance.now() - startedAt)
  process.stderr.write(`${active.settings.role} ${what}: the standby worked after ${tookMs} ms\n`)
}

const statusOf = ({ settings }: ComponentProcess) => componentStatus(settings.adminPort)
const progressOf = ({ published, position }: ComponentStatus): number => published ?? position
