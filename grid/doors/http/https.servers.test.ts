import { once } from 'node:events'
import { utimes, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { generate } from 'selfsigned'
import { expect, onTestFinished, test } from 'vitest'
import { openDoor } from './test-support/open-door.ts'

async function certificate() {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...{ keyType: 'ec' as const, algorithm: 'sha256' },
  })
  return { cert, both: `${key}\n${cert}` }
}

async function listen() {
  const file = join(await temporaryFolder('tls'), 'http.pem')
  const first = await certificate()
  await writeFile(file, first.both)
  const door = openDoor({ tls: { certFile: file, keyFile: file } })
  await door.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = door.app.server.address() as AddressInfo
  const open = async (ca: string, options: object = {}): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  return { ...door, file, first, open, port }
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET /shop/queries/echo HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

test('requests are answered over TLS, those in plain text are not', async () => {
  const { first, open, port } = await listen()
  expect(await ask(await open(first.cert))).toContain('HTTP/1.1 200 OK')
  await expect(fetch(`http://127.0.0.1:${port}/shop/queries/echo`)).rejects.toThrow('fetch failed')
  await expect(open((await certificate()).cert)).rejects.toThrow(/certificate/)
  await expect(open(first.cert, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow()
})

test.each([
  ['a file has changed', () => undefined],
  ['SIGHUP', () => process.kill(process.pid, 'SIGHUP')],
])('a renewed certificate is taken over when %s', async (_when, tell) => {
  const { file, first, open } = await listen()
  const before = await open(first.cert)
  const second = await certificate()
  await writeFile(file, second.both)
  tell()
  await expect
    .poll(() => open(second.cert).then(ask, String), { timeout: 15_000 })
    .toContain('HTTP/1.1 200 OK')
  // Who was connected stays so.
  expect(await ask(before)).toContain('HTTP/1.1 200 OK')
})

test('one that cannot be used is told, and the one before stays', async () => {
  const { file, faults, first, open } = await listen()
  await writeFile(file, 'no certificate')
  await utimes(file, new Date(), new Date())
  await expect.poll(() => faults.length, { timeout: 15_000 }).toBeGreaterThan(0)
  expect(await ask(await open(first.cert))).toContain('HTTP/1.1 200 OK')
})

test('a certificate that is not there ends the start, and names the variable', () => {
  expect(() => openDoor({ tls: { certFile: '/nowhere.pem', keyFile: '/nowhere.pem' } })).toThrow(
    'TLS_CERT_FILE=/nowhere.pem cannot be read (ENOENT)',
  )
})
