import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterEach, expect, test } from 'vitest'
import { PatientClient } from './patient-client.ts'
import { waitFor } from './wait-for.ts'

let server: Server | undefined
let client: PatientClient | undefined

afterEach(async () => {
  await client?.close()
  server?.close()
})

/** Refuses every command, after it has cut off so many connections with a request on them. */
async function listen(port: number, cutOff: number): Promise<void> {
  let left = cutOff
  server = createServer((request, response) => {
    if (left-- > 0) request.socket.destroy()
    else response.writeHead(409).end('{}')
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
}

test('a refusal is late when an attempt before it may have arrived, and only then', async () => {
  const port = await findFreePort()
  client = new PatientClient(`http://127.0.0.1:${port}`)
  const refused = client.persist('ticketing', 'holdSeats', {}, 10_000)
  await waitFor(() => client?.retried.get('connection failed: ECONNREFUSED'), {
    what: 'a refused connection',
  })
  await listen(port, 0)
  expect(await refused).toMatchObject({ status: 409, isLate: false })
  server?.close()
  server?.closeAllConnections()
  const other = await findFreePort()
  await client.close()
  client = new PatientClient(`http://127.0.0.1:${other}`)
  await listen(other, 1)
  const cutOff = await client.persist('ticketing', 'holdSeats', {}, 10_000)
  expect(cutOff).toMatchObject({ status: 409, isLate: true })
})
