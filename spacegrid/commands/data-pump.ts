import { runDataPump } from '@spacegrid/data-pump/program'
import type { AddCommand } from '../command-line/add-command.ts'

export const addDataPump: AddCommand = (program) => {
  program
    .command('data-pump')
    .description(
      'Melds the log of each space and publishes its changes; keeps the warm image. One works, others stand by.',
    )
    .addHelpText(
      'after',
      '\nEnvironment: NATS_URL, SPACES; REDIS_URL for a warm image; ADMIN_PORT (9090), LOG_LEVEL. SIGTERM stops it in good order.',
    )
    .action(() => runDataPump())
}
