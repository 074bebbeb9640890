import { runDataReader } from '@spacegrid/data-reader/program'
import type { AddCommand } from '../command-line/add-command.ts'

export const addDataReader: AddCommand = (program) => {
  program
    .command('data-reader')
    .description(
      'Answers archive requests and cold starts from MongoDB, and keeps watch over what is stored.',
    )
    .addHelpText(
      'after',
      '\nEnvironment: NATS_URL, MONGODB_URL, SPACES; REDIS_URL if there is a warm image; ADMIN_PORT (9090), LOG_LEVEL. SIGTERM stops it in good order.',
    )
    .action(() => runDataReader())
}
