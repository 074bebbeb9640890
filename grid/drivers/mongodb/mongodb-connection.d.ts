/** Not among the driver's public types, nor is the option `connectionType` that takes it. */
declare module 'mongodb/lib/cmap/connection.js' {
  import type { Duplex } from 'node:stream'

  export class Connection {
    constructor(socket: Duplex, options: object)
  }
}
