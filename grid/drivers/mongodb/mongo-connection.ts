import type { Duplex } from 'node:stream'
import { Connection } from 'mongodb/lib/cmap/connection.js'

/**
 * The driver's connection, mended. The driver (7.9) writes a command to its socket and, when the
 * socket does not say that it has taken it, waits for `drain`, or for `error`. A socket that is
 * being closed in that very moment gives neither, and the command is neither sent nor failed, for
 * ever (docs/decisions/0012). Here the end of a socket ends that wait, and the driver then finds
 * that the connection is lost, as after any other loss.
 */
export class MendedConnection extends Connection {
  constructor(socket: Duplex, options: object) {
    super(socket, options)
    // Behind the driver's own listener: by then the connection knows what has ended it.
    socket.once('close', () => socket.emit('drain'))
  }
}
