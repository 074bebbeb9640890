import { runWaitingRoom } from '@spacegrid/waiting-room/program'
import type { AddCommand } from '../command-line/add-command.ts'

export const addWaitingRoom: AddCommand = (program) => {
  program
    .command('waiting-room')
    .description(
      'Gives visitors places in line and lets in who is next, at the rate at which visits are finished. As many as are wanted, added and removed at will.',
    )
    .addHelpText(
      'after',
      `
Environment: NATS_URL, WAITING_ROOM (the lines: ticketing/concert,auction; the same for the units); WAITING_ROOM_KEY (or WAITING_ROOM_KEY_FILE, a file that holds it) (the same for the units); WAITING_ROOM_LANES, WAITING_ROOM_TARGET, WAITING_ROOM_VISIT_MS, WAITING_ROOM_CLAIM_MS, WAITING_ROOM_INSIDE, WAITING_ROOM_INSIDE_MAX; PORT (8080), ADMIN_PORT (9090), HOST (127.0.0.1), LOG_LEVEL.
Its lines are kept in the space waitingRoom: name it in SPACES of pump, writer and reader. SIGTERM stops it in good order.`,
    )
    .action(() => runWaitingRoom())
}
