import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { commandLineOf } from 'spacegrid/servers/process-identity'
import { expect, inject, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitFor } from '../support/wait-for.ts'

const natsUrl = inject('natsUrl')
const program = join(import.meta.dirname, 'test-support', 'run-that-is-killed.ts')

test('the payment service ends with the run that has started it, also when that is killed', async () => {
  const ledger = join(await temporaryFolder('payments'), 'ledger')
  const run = spawn(process.execPath, [program, natsUrl, ledger], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void run.kill('SIGKILL'))
  const [said] = await once(run.stdout, 'data')
  const pid = Number(said)
  expect(await commandLineOf(pid)).toContain('payments')
  run.kill('SIGKILL')
  await waitFor(async () => (await commandLineOf(pid)) === undefined, {
    what: 'the end of the payment service',
  })
})
