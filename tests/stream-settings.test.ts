import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { connect, type JetStreamManager, type NatsConnection } from 'nats'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

const natsUrl = inject('natsUrl')
let nats: NatsConnection
let manager: JetStreamManager

beforeAll(async () => {
  nats = await connect({ servers: natsUrl })
  manager = await nats.jetstreamManager()
})

afterAll(() => nats.close())

test('a program says so in its log, at error level, and is not ready', async () => {
  const space = `s${uniqueName().replaceAll(/[^A-Za-z0-9]/g, '')}`
  const adminPort = await findFreePort()
  const pump = spawn(process.execPath, [join(import.meta.dirname, '../data-pump/main.ts')], {
    env: { ...process.env, NATS_URL: natsUrl, SPACES: space, ADMIN_PORT: String(adminPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  pump.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const reasons = async () => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/health/ready`).catch(() => undefined)
    return answer?.text()
  }
  await waitFor(reasons, { what: 'the pump' })
  const names: string[] = []
  for await (const { config } of manager.streams.list())
    if (config.subjects.some((subject) => subject.includes(space))) names.push(config.name)
  expect(names).toHaveLength(2)
  for (const name of names) await manager.streams.update(name, { max_msgs: 1000 })
  for (const name of names) {
    const line = `Stream ${name} cannot serve as a log: max_msgs is 1000, it must be -1`
    await waitFor(async () => (await reasons())?.includes(line), { what: line })
    // Each log is looked at by itself, and which line is written first is open.
    const logged = new RegExp(`"level":50[^\\n]*${line}`)
    await waitFor(async () => logged.test(said), { what: `in the log: ${line}` })
  }
  pump.kill()
  expect(await once(pump, 'exit')).toEqual([0, null])
})
