import type { UnitAction } from '@spacegrid/console/control'
import type { ComponentProcess } from '../cluster/component-process.ts'
import type { ProcessCluster } from '../cluster/process-cluster.ts'
import type { DriverAsked, DriverTold } from './driver-messages.ts'

const unitsMax = 16

/** Does what the console of a cluster asks for, and tells it what can be done. */
export function driveFor(cluster: ProcessCluster): void {
  const console = cluster.components.find(({ settings }) => settings.role === 'console')
  if (!console) return
  const tell = (message: DriverTold) => console.tell(message)
  const tellUnits = () => tell({ told: 'units', ...possible(cluster) })
  const watched = new Set<ComponentProcess>()
  const watch = () => {
    for (const unit of [...cluster.units, ...cluster.queryUnits]) {
      if (watched.has(unit)) continue
      watched.add(unit)
      void unit.gone.then(tellUnits)
    }
    tellUnits()
  }
  console.hear((message) => {
    const asked = message as DriverAsked
    act(cluster, asked)
      .then((unit) => tell({ told: 'done', id: asked.id, unit }))
      .catch((error: Error) => tell({ told: 'refused', id: asked.id, why: error.message }))
      .finally(watch)
  })
  watch()
}

const possible = (cluster: ProcessCluster) => ({
  add: cluster.components.some(({ settings }) => settings.role === 'deployment-manager')
    ? 'The deployment manager adds and removes units'
    : cluster.units.length < unitsMax
      ? (true as const)
      : `${unitsMax} units are the most of a cluster on one machine`,
  units: Object.fromEntries(
    [...cluster.units, ...cluster.queryUnits].map((unit): [string, UnitAction[]] => [
      unit.settings.name,
      unit.ended === undefined ? ['stop', 'kill'] : ['start'],
    ]),
  ),
})

async function act(cluster: ProcessCluster, asked: DriverAsked): Promise<string> {
  if (asked.asked === 'add') {
    const { add } = possible(cluster)
    if (add !== true) throw new Error(add)
    return (await cluster.addUnit()).settings.name
  }
  const units = [...cluster.units, ...cluster.queryUnits]
  const unit = units.find(({ settings }) => settings.name === asked.unit)
  const actions = possible(cluster).units[asked.unit]
  if (!unit || !actions?.includes(asked.action))
    throw new Error(`${asked.unit}: ${asked.action} is not possible now`)
  if (asked.action === 'start') await cluster.restart(unit)
  else if (asked.action === 'stop') await unit.stop()
  else {
    unit.kill('SIGKILL')
    await unit.gone
  }
  return asked.unit
}
