import { connect, type Socket } from 'node:net'
import { DelayRecord } from '../processes/delay-record.ts'
import type { Subject } from '../processes/subject.ts'

export interface ReadersWanted {
  readonly port: number
  readonly path: string
  readonly count: number
  /** So many of them stop reading when they have been answered. */
  readonly stuck: number
}

/** Connections that are being opened at the same time. */
const openingMax = 100
const mark = 'at-'

/** Readers of streams, as many as it is told to be: each a connection, and nothing else. */
export async function open(): Promise<Subject> {
  const delays = new DelayRecord()
  const sockets: Socket[] = []
  let told = 0
  let ended = 0
  const read = (bytes: Buffer) => {
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
      const end = bytes.indexOf(0x22, at)
      if (end < 0) return
      told++
      delays.record(Number(bytes.toString('latin1', at + mark.length, end)))
    }
  }
  const openOne = (port: number, path: string, isStuck: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' })
      sockets.push(socket)
      socket.once('error', reject)
      socket.once('close', () => ended++)
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`)
      socket.once('data', (first: Buffer) => {
        if (!first.toString('latin1', 0, 15).includes(' 200 '))
          reject(new Error(`Answered ${first.toString().slice(0, 300)}`))
        if (isStuck) socket.pause()
        else socket.on('data', read)
        resolve()
      })
    })
  return {
    operations: {},
    requests: {
      open: async ({ port, path, count, stuck }: ReadersWanted) => {
        let next = 0
        const work = async () => {
          while (next < count) {
            const number = next++
            await openOne(port, path, number < stuck)
          }
        }
        await Promise.all(Array.from({ length: Math.min(openingMax, count) }, work))
      },
      begin: () => {
        delays.clear()
        told = 0
      },
      told: () => ({ ...delays.summary(), told, ended }),
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
