import { runDataWriter } from '@spacegrid/data-writer/program'
import type { AddCommand } from '../command-line/add-command.ts'

export const addDataWriter: AddCommand = (program) => {
  program
    .command('data-writer')
    .description('Stores what has changed in MongoDB. One works, others stand by.')
    .addHelpText(
      'after',
      '\nEnvironment: NATS_URL, MONGODB_URL, SPACES; ADMIN_PORT (9090), LOG_LEVEL. SIGTERM stops it in good order.',
    )
    .action(() => runDataWriter())
}
