import { execFile } from 'node:child_process'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { StepKind } from '@spacegrid/grid/core/steps'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { decodeFrame, encodeFrame, frameFormat } from '@spacegrid/grid/engine/wire/frame-codec'
import { seal } from '@spacegrid/grid/engine/wire/seal'
import { encodeOpening } from '@spacegrid/grid/engine/wire/snapshot-messages'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { spacegridProgram } from 'spacegrid/own-program'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const space = 'ticketing'

let grid: FaultGrid
let log: JetStreamLog
let messaging: NatsMessaging
beforeAll(async () => {
  grid = await FaultGrid.start({ units: 2 })
  const { nats } = grid.cluster.urls
  const stream = { stream: streams.log(space), subject: subjects.log(space), name: 'stranger' }
  log = await JetStreamLog.open(nats, stream)
  messaging = await NatsMessaging.open(nats, { name: 'stranger' })
})
afterAll(async () => {
  await log?.close()
  await messaging?.close()
  await grid?.stop()
})

const nobodyEnded = () => {
  for (const { settings, ended } of grid.cluster.components)
    expect(ended, settings.name).toBeUndefined()
}

async function askOf(name: string, path: string): Promise<{ status: number; text: string }> {
  const { adminPort } = grid.component(name).settings
  const response = await fetch(`http://127.0.0.1:${adminPort}/${path}`)
  return { status: response.status, text: await response.text() }
}

function runLog(...argv: string[]): Promise<{ code: number; text: string }> {
  const env = { ...process.env, NATS_URL: grid.cluster.urls.nats, SPACES: space }
  return new Promise((resolve) => {
    execFile(process.execPath, [spacegridProgram, 'log', ...argv], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, text: `${out}${err}` }),
    )
  })
}

// docs/decisions/0015
test(`what strangers write to the log is passed over, under load (SEED=${seed})`, async () => {
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const join = encodeFrame({ kind: FrameKind.join, unit: 'stranger', nonce: 1 })
  for (const bytes of [
    Buffer.from('\xde\xad\xbe\xef garbage', 'latin1'),
    new Uint8Array(),
    Buffer.from('{"a":1}'),
    join.slice(0, -2),
    Uint8Array.from([0xdd, 255, 255, 255, 255]),
    new Uint8Array(500_000).fill(0x91),
  ])
    await log.append(bytes)
  const origin = await log.append(join)
  const unknownCache = {
    ...{ number: 1, reads: [], ranges: [], events: [], notBefore: 0 },
    steps: [{ kind: StepKind.delete, cache: 99, key: 'x' }],
  }
  await log.append(
    encodeFrame({
      ...{ kind: FrameKind.transactions, origin, id: 1, previous: 0, deadline: 2 ** 40 },
      ...{ transactions: [unknownCache], parts: 0 },
    }),
  )
  await goesOn(crowd)
  expect((await askOf('data-pump', 'health/ready')).status).toBe(200)
  expect((await askOf('data-pump', 'metrics')).text).toMatch(/spacegrid_damaged_records\{.*\} 6/)
  nobodyEnded()
})

test('empty and odd messages end nobody, and whoever asks gets an error', async () => {
  const odd = ['', '\xc1', '\xa1x', '\x01', '{}'].map((text) => Buffer.from(text, 'latin1'))
  const asked = [
    ...[subjects.snapshotFromPeer(space), subjects.snapshotFromReader(space)],
    ...[subjects.snapshotFromStore(space), subjects.archive(space), subjects.correct(space)],
    ...[subjects.command(space, 'confirmHold'), subjects.query(space, 'availability')],
  ]
  for (const data of odd) {
    for (const subject of [subjects.persisted(space), subjects.audit(space)])
      messaging.publish(subject, data)
    for (const subject of asked)
      await expect(messaging.request(subject, data, { timeoutMs: 5000 })).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:record_damaged|invalid_json|invalid_input)$/),
      })
  }
  nobodyEnded()
  expect((await askOf('ticketing-1', 'health/ready')).status).toBe(200)
})

test('who opens snapshots and never reads them keeps no unit from joining', {
  timeout: 180_000,
}, async () => {
  const [unit] = grid.cluster.units
  if (!unit) throw new Error('there is no unit')
  let attacking = true
  const attack = async () => {
    while (attacking) {
      for (const subject of [subjects.snapshotFromPeer(space), subjects.snapshotFromReader(space)])
        for (let i = 0; i < 3; i++)
          messaging.request(subject, encodeOpening(undefined), { timeoutMs: 500 }).catch(() => {})
      await new Promise((wake) => setTimeout(wake, 50))
    }
  }
  const attacker = attack()
  try {
    unit.kill('SIGKILL')
    await unit.gone
    // Ready when this resolves.
    await grid.cluster.restart(unit)
  } finally {
    attacking = false
    await attacker
  }
})

test('before a frame of another version all stay and answer reads, and an operator gets them past it', {
  timeout: 180_000,
}, async () => {
  const whole = await log.append(encodeFrame({ kind: FrameKind.join, unit: 'stranger', nonce: 2 }))
  const position = await log.append(seal(frameFormat + 96, Uint8Array.from([0x90])))
  const names = ['ticketing-1', 'ticketing-2', 'data-pump']
  await waitFor(
    async () => {
      const answers = await Promise.all(names.map((name) => askOf(name, 'health/ready')))
      return answers.every(({ text }) => text.includes(`stays before position ${position}`))
    },
    { what: 'all to stay before it' },
  )
  const { http } = grid.cluster.urls
  const query = await fetch(`${http}/${space}/queries/availability?eventId=crowd1-event-1`)
  expect(query.status).toBe(200)
  expect(Number(query.headers.get('Grid-Position'))).toBe(position - 1)
  const command = await fetch(`${http}/${space}/commands/releaseHold`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"holdId":"x"}',
  })
  expect([command.status, ((await command.json()) as { code: string }).code]).toEqual([
    503,
    'not_ready',
  ])
  const [shown, refused] = await Promise.all([
    runLog('show', space, String(position)),
    runLog('skip', space, String(whole)),
  ])
  expect(shown).toMatchObject({
    code: 0,
    text: expect.stringContaining('a frame of another version'),
  })
  expect(refused).toMatchObject({ code: 1, text: expect.stringContaining('can be read') })
  const { last } = await log.bounds()
  expect(await runLog('skip', space, String(position))).toMatchObject({ code: 0 })
  // docs/decisions/0016; before that nobody stores anything.
  const said = await log.read(last + 1)
  expect(said && decodeFrame(said.data)).toMatchObject({
    ...{ kind: FrameKind.skip, position, at: expect.any(Number) },
  })
  await waitFor(
    async () => {
      const answers = await Promise.all(names.map((name) => askOf(name, 'health/ready')))
      return answers.every(({ status }) => status === 200)
    },
    { what: 'all to go on' },
  )
  nobodyEnded()
  expect(await grid.audit()).toEqual(nothingFound)
})
