import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'

/** What people are told of something that has failed. */
export const failedEvent = (error: Error): RoleEvent =>
  error instanceof ApplicationFault
    ? {
        kind: 'application_fault',
        level: 'error',
        message: `the application is at fault: ${error.message}`,
        error,
        details: { ...error.told },
      }
    : { kind: 'failed', level: 'error', message: error.message, error }
