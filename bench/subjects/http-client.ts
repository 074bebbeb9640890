import { measure } from '../hot-path/measure.ts'
import { keyAt } from '../processes/keys.ts'
import type { Operation, Subject } from '../processes/subject.ts'
import { HttpConnection } from './http-connection.ts'

export interface HttpClientOptions {
  readonly port: number
  readonly space: string
  readonly entries: number
}

/**
 * Callers of one server over HTTP: each call that is open has a connection of its own, kept for the
 * next one.
 */
export async function open({ port, space, entries }: HttpClientOptions): Promise<Subject> {
  const free: HttpConnection[] = []
  const all: HttpConnection[] = []
  const send = async (request: string): Promise<void> => {
    let connection = free.pop()
    if (!connection) {
      connection = await HttpConnection.open(port)
      all.push(connection)
    }
    const status = await connection.send(request)
    free.push(connection)
    if (status !== 200) throw new Error(`The server has answered ${status} to ${request}`)
  }
  const key = (turn: number) => keyAt(turn, entries)
  const host = `Host: 127.0.0.1:${port}`
  const operations: Record<string, Operation> = {
    query: (turn) =>
      send(`GET /${space}/queries/item?itemId=${key(turn)} HTTP/1.1\r\n${host}\r\n\r\n`),
    command: (turn) => {
      const body = `{"itemId":"${key(turn)}","by":1}`
      const headers = `${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
      return send(`POST /${space}/commands/touch HTTP/1.1\r\n${headers}\r\n\r\n${body}`)
    },
  }
  return {
    operations,
    requests: {
      measure: (operation: string, concurrency: number, timeMs: number) =>
        measure(operation, operations[operation] as Operation, concurrency, timeMs),
    },
    close: async () => {
      for (const connection of all) connection.close()
    },
  }
}
