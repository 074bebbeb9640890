import type { LogName } from '@spacegrid/grid/core/log-name'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { EmbeddedGrid } from '../../embedded/embedded-grid.ts'
import type { RecoveryGrid } from '../../recover/recovery-grid.ts'

/** The place of a log that goes on when it is closed by whoever looks at it. */
const placeOf = (log: Log): LogPlace => ({
  look: () => log.bounds(),
  open: async () =>
    new Proxy(log, {
      get: (target, name) => {
        if (name === 'close') return async () => undefined
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
  replace: () => Promise.reject(new Error('the grid runs')),
  close: async () => undefined,
})

/** An operator's way to an embedded grid that runs in this process. */
export function runningGrid(grid: EmbeddedGrid): RecoveryGrid {
  const random = new SystemRandom()
  return {
    kind: 'embedded',
    logNames: [...grid.ports.keys()],
    names: { store: 'the store', log: (logName: LogName) => `the log of ${logName}` },
    portsOf: async (logName) => {
      const ports = grid.ports.get(logName)
      if (!ports) throw new Error(`there is no ${logName}`)
      const { log, changes, store, messaging, clock } = ports
      return { log: placeOf(log), changes: placeOf(changes), store, messaging, clock, random }
    },
    close: async () => undefined,
  }
}
