import { Counter, Gauge, type Registry } from 'prom-client'
import type { ScalingStatus } from '../../engine/load/scaling-status.ts'
import type { StatusSource } from './status-source.ts'

const states = [
  'wanted',
  'ready',
  'starting',
  'spares',
  'silent',
] as const satisfies (keyof ScalingStatus)[]

/** Of the deployment manager. */
export function addScalingMetrics(registry: Registry, { scaling }: StatusSource): void {
  if (!scaling) return
  const registers = [registry]
  new Gauge({
    name: 'spacegrid_scaling_units',
    help: 'Units that there are to be, that serve, that are on their way, that stand by, and that say nothing of how they fare',
    ...{ labelNames: ['state'], registers },
    collect() {
      for (const state of states) this.set({ state }, scaling()[state])
    },
  })
  new Gauge({
    name: 'spacegrid_scaling_active',
    help: '1 while this process decides; another one that stands by shows 0',
    registers,
    collect() {
      this.set(scaling().active ? 1 : 0)
    },
  })
  new Gauge({
    name: 'spacegrid_scaling_unit_hours',
    help: 'Hours that units have run within the last 24, all together',
    registers,
    collect() {
      this.set(scaling().unitHours)
    },
  })
  new Counter({
    name: 'spacegrid_scaling_decisions_total',
    help: 'What was done, or not done though more units were wished for, and why',
    ...{ labelNames: ['action', 'cause'], registers },
    collect() {
      this.reset()
      for (const { action, cause, count } of scaling().counts) this.inc({ action, cause }, count)
    },
  })
}
