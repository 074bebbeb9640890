import { connect } from 'node:net'
import { connect as secure } from 'node:tls'

/** Milliseconds: a server on the same machine that is up answers at once. */
const answerTimeoutMs = 2000

/**
 * Connects to a port of the loopback address, sends `question` when it is not empty, and gives the
 * first line of the answer.
 * @param ca who has signed the certificate of a port that speaks TLS. Left out: it speaks plainly
 */
export function askOverTcp(port: number, question: string, ca?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const address = { port, host: '127.0.0.1' }
    const socket = ca === undefined ? connect(address) : secure({ ...address, ca })
    let answer = ''
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(answerTimeoutMs, () => fail(new Error(`no answer on port ${port}`)))
    socket.once('error', fail)
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)))
    socket.once(ca === undefined ? 'connect' : 'secureConnect', () => {
      if (question !== '') socket.write(question)
    })
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
      const end = answer.indexOf('\r\n')
      if (end < 0) return
      resolve(answer.slice(0, end))
      socket.destroy()
    })
  })
}
