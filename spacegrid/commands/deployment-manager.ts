import { runDeploymentManager } from '@spacegrid/deployment-manager/program'
import type { AddCommand } from '../command-line/add-command.ts'

export const addDeploymentManager: AddCommand = (program) => {
  program
    .command('deployment-manager')
    .description(
      'Adds processing units before they are missed, and takes them away again. One works, others stand by.',
    )
    .addHelpText(
      'after',
      `
Environment: NATS_URL, SPACES, SCALING_DRIVER; UNITS_MIN (1), UNITS_MAX (8), UNIT_BUSY_PERCENT (60), SCALE_IN_AFTER_MS (120000), UNIT_HOURS_MAX (0: without end), SCALING_SCHEDULE, IDLE_CORES_MIN (0.25); ADMIN_PORT (9090), LOG_LEVEL.
What it has decided, and why: npx spacegrid scaling. SIGTERM stops it in good order; units stay as they are.`,
    )
    .action(() => runDeploymentManager())
}
