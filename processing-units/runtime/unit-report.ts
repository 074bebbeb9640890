import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { Logger } from 'pino'
import type { UnitEvent } from './processing-unit.ts'

/** Tells in the program's log what happens to a unit. Waiting for a source is told once per reason, not at every try. */
export function reportTo(log: Logger, unit: string): (event: UnitEvent) => void {
  let waitingFor = ''
  return (event) => {
    switch (event.kind) {
      case 'rehydrated':
        waitingFor = ''
        log.info(
          { unit, ...event },
          `rehydrated from ${event.source}: ${event.entries} entries at position ${event.position}`,
        )
        return
      case 'rehydrating':
        log.warn({ unit, reason: event.reason }, 'left service to rehydrate')
        return
      case 'waiting': {
        const reason = `${event.source}: ${event.error.message}`
        if (reason === waitingFor) return
        waitingFor = reason
        // A copy that is not as it was sent is nobody's ordinary waiting.
        log[isGridError(event.error, 'record_damaged') ? 'warn' : 'debug'](
          { unit, source: event.source, reason: event.error.message },
          'cannot rehydrate from here',
        )
        return
      }
      case 'audit':
      case 'log':
      case 'definition':
        log[event.level]({ unit }, event.message)
        return
      case 'clock':
        log.warn({ unit }, event.message)
        return
      case 'failed':
        if (event.error instanceof ApplicationFault)
          log.error(
            { unit, ...event.error.told },
            `the application is at fault: ${event.error.message}`,
          )
        else log.error({ unit, error: event.error }, 'failed')
    }
  }
}
