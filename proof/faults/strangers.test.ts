import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
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

/** Heard by somebody, or asked; all of `subjects`, but those of the streams. */
const heard = [
  ...[subjects.persisted(space), subjects.audit(space), subjects.memory(space)],
  ...[subjects.load(space), subjects.loadAsked(space), subjects.presence(space)],
  ...[subjects.live(space), subjects.readable(space), subjects.askStatus],
]
const asked = [
  ...[subjects.snapshotFromPeer(space), subjects.snapshotFromReader(space)],
  ...[subjects.snapshotFromStore(space), subjects.snapshotForMending(space)],
  ...[subjects.archive(space), subjects.archivedEntry(space), subjects.archivedRange(space)],
  ...[subjects.correct(space), subjects.reactions(space), subjects.look(space)],
  ...[subjects.command(space, 'confirmHold'), subjects.query(space, 'availability')],
  ...[subjects.queries(space), subjects.react(space)],
]
const odd = ['', '\xc1', '\xa1x', '\x01', '{}', '[', 'null', '\xdd\xff\xff\xff\xff']
  .map((text) => Buffer.from(text, 'latin1'))
  .concat([
    Buffer.alloc(200_000, 0x91),
    Buffer.from(seal(1, Buffer.from([0xdd, 255, 255, 255, 0]))),
  ])

test('empty and odd messages end nobody, and whoever asks gets an error', async () => {
  for (const data of odd) {
    for (const subject of heard) messaging.publish(subject, data)
    const answers = await Promise.all(
      asked.map(async (subject) => {
        const answer = await messaging
          .request(subject, data, { timeoutMs: 20_000 })
          .catch((error: { readonly code?: string }) => error.code)
        return { subject, answer: typeof answer === 'string' ? answer : undefined }
      }),
    )
    // An empty object asks to look at nothing in particular.
    const wrong = answers.filter(
      ({ answer = 'an answer', subject }) =>
        subject !== subjects.look(space) &&
        !/^(?:record_damaged|format_unsupported|invalid_(?:json|input|key)|not_found|no_responder)$/.test(
          answer,
        ),
    )
    expect({ data: data.subarray(0, 8), wrong }).toEqual({ data: data.subarray(0, 8), wrong: [] })
  }
  nobodyEnded()
  expect((await askOf('ticketing-1', 'health/ready')).status).toBe(200)
})

test('a flood of odd messages is told in a few lines, and work goes on', async () => {
  const crowd = await grid.crowd({ seed: seed + 1 })
  await goesOn(crowd)
  const linesOf = async () =>
    (
      await Promise.all(
        grid.cluster.components.map(
          async ({ settings: { logFile } }) => (await readFile(logFile, 'utf8')).split('\n').length,
        ),
      )
    ).reduce((sum, lines) => sum + lines, 0)
  const before = await linesOf()
  for (let round = 0; round < 200; round++)
    for (const subject of heard.filter((it) => it !== subjects.askStatus))
      messaging.publish(subject, odd[round % odd.length] as Buffer)
  await goesOn(crowd)
  nobodyEnded()
  // Of some 1,600 messages, each heard by several.
  expect((await linesOf()) - before).toBeLessThan(300)
})

test('what strangers write to the change queue counts as not being there', async () => {
  const crowd = await grid.crowd({ seed: seed + 2 })
  await goesOn(crowd)
  const stream = { stream: streams.changes(space), subject: subjects.changes(space) }
  const queue = await JetStreamLog.open(grid.cluster.urls.nats, { ...stream, name: 'stranger' })
  try {
    // A whole one, of another version, would stop the writer.
    for (const data of odd) if (data[0] !== 0xc1 || data.length < 6) await queue.append(data)
  } finally {
    await queue.close()
  }
  await goesOn(crowd)
  nobodyEnded()
  // Stored means: everything before it is.
  const { http } = grid.cluster.urls
  const stored = await fetch(`${http}/${space}/commands/releaseHold`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Prefer: 'ack=persisted' },
    body: '{"holdId":"x"}',
    signal: AbortSignal.timeout(50_000),
  })
  expect([200, 409]).toContain(stored.status)
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
