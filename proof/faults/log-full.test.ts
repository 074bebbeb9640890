import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { PatientClient } from '../support/patient-client.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startNats } from '../support/test-servers.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const untilFullMsMax = 60_000

/** Even a refusal takes its place in the log, so this needs room there and changes nothing. */
async function untilAnsweredWith(grid: FaultGrid, codes: readonly string[]): Promise<void> {
  // Longer than a command waits for its outcome.
  const client = new PatientClient(grid.cluster.urls.http, { answerMs: 15_000 })
  await waitFor(
    async () => {
      const { body } = await client.command('ticketing', 'releaseHold', { holdId: 'of nobody' })
      return codes.includes(body.code ?? '')
    },
    { what: `commands to be answered with ${codes}`, timeoutMs: untilFullMsMax },
  )
  await client.close()
}

// architecture.md, invariant 7
test(`the log is full while MongoDB is away: commands get 507, nothing is lost, all resumes (SEED=${seed})`, {
  timeout: 180_000,
}, async () => {
  await using grid = await FaultGrid.start({
    environment: { STREAM_BYTES_MAX: String(3 * 1024 * 1024), TRIM_DELAY_MS: '500' },
  })
  const crowd = await grid.crowd({ seed, shoppers: 24, thinkMsMax: 10, giveUpMs: 120_000 })
  await goesOn(crowd)
  await grid.server('mongodb').kill()
  await untilAnsweredWith(grid, ['log_full'])
  const client = grid.client()
  const eventId = crowd.ledger.events.at(-1) ?? ''
  const query = await client.query('ticketing', 'availability', { eventId })
  expect(query.status).toBe(200)
  await client.close()
  // The store catches up, log and change queue are trimmed, and there is room again.
  await grid.server('mongodb').restart()
  await goesOn(crowd, 500)
  expect(await grid.audit()).toEqual(nothingFound)
})

/** A disk of its own for a server. Needs the right to mount; undefined without it. */
async function smallDisk(megabytes: number): Promise<string | undefined> {
  const folder = join(await temporaryFolder('disk'), 'mounted')
  await mkdir(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], {
      stdio: 'pipe',
    })
    return folder
  } catch (error) {
    if (process.env.CI === 'true' && process.getuid?.() === 0) throw error
    process.stderr.write(`!!! SKIPPING the test with a full disk: ${(error as Error).message}\n`)
    return undefined
  }
}

test(`the disk under NATS is full: commands fail, nothing acknowledged is lost, all resumes once there is room (SEED=${seed})`, {
  timeout: 180_000,
}, async ({ skip }) => {
  const disk = await smallDisk(24)
  // Skipped: without the right to mount there is no disk that could be full; it says so.
  if (disk === undefined) return skip()
  let nats: LocalServer | undefined
  try {
    // It believes in more room than there is.
    nats = await startNats({ folder: disk, maxStoreBytes: 2 ** 30 })
    await using grid = await FaultGrid.start({
      urls: { nats: nats.url },
      environment: { TRIM_DELAY_MS: '500', STREAM_BYTES_MAX: String(64 * 1024 * 1024) },
    })
    const crowd = await grid.crowd({ seed, giveUpMs: 120_000 })
    await goesOn(crowd)
    const ballast = join(disk, 'ballast')
    fill(ballast)
    await untilAnsweredWith(grid, ['log_full', 'log_unavailable', 'outcome_unknown'])
    execFileSync('rm', [ballast])
    // nats-server does not try again on a file that has once refused: it has to be restarted
    // (docs/operations.md).
    await nats.restart()
    await goesOn(crowd)
    expect(await grid.audit()).toEqual(nothingFound)
  } finally {
    await nats?.stop()
    execFileSync('umount', ['-l', disk])
  }
})

/** Takes all that is left of the disk. */
function fill(file: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k'], { stdio: 'pipe' })
  } catch {
    // It ends when there is no room: that is what it is for.
  }
}
