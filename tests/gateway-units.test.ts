import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isHaproxyInstalled, RunningGateway } from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts, type UnitPorts } from '@spacegrid/proof/gateway/stand-in-units'
import { startMongod, startNats } from '@spacegrid/proof/support/test-servers'
import { spacegridProgram } from 'spacegrid/own-program'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// Two addresses with the same ports, as two containers have them. Linux answers on all of
// 127.0.0.0/8.
const addresses = ['127.0.0.21', '127.0.0.22'] as const
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('two processing units behind the gateway', { timeout: 120_000 }, () => {
  let running: AsyncDisposableStack
  let gateway: RunningGateway
  let servers: { readonly NATS_URL: string; readonly MONGODB_URL: string }
  let ports: UnitPorts

  beforeEach(async () => {
    running = new AsyncDisposableStack()
    const nats = running.use(await startNats())
    const mongodb = running.use(await startMongod())
    servers = { NATS_URL: nats.url, MONGODB_URL: mongodb.url }
    ports = await freeUnitPorts([...addresses, '127.0.0.23', '127.0.0.24', '127.0.0.25'])
    const nameServer = new NameServer('processing-unit')
    const nameServerPort = await nameServer.start()
    running.defer(() => nameServer.stop())
    nameServer.addresses = addresses
    const environment = {
      GATEWAY_RESOLVER: `127.0.0.1:${nameServerPort}`,
      GATEWAY_UNITS: `processing-unit:${ports.port}`,
      GATEWAY_UNIT_ADMIN_PORT: String(ports.adminPort),
    }
    gateway = await RunningGateway.start(environment, process.env)
    running.defer(() => gateway.stop())
    startProgram('data-reader/main.ts', '127.0.0.23')
    startProgram('data-writer/main.ts', '127.0.0.24')
    startProgram('data-pump/main.ts', '127.0.0.25')
  }, 60_000)

  afterEach(() => running.disposeAsync())

  /**
   * Every program has an address of its own, as in a container, and the ports that all have there.
   */
  function startProgram(program: string, address: string): ChildProcess {
    const child = spawn(process.execPath, [program], {
      env: {
        ...process.env,
        ...servers,
        SPACES: 'ticketing',
        HOST: address,
        PORT: String(ports.port),
        ADMIN_PORT: String(ports.adminPort),
        UNIT_NAME: `unit-${address}`,
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    running.defer(() => end(child, 'SIGKILL'))
    return child
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  async function load(...argv: string[]): Promise<string> {
    const child = spawn(process.execPath, [
      spacegridProgram,
      'load',
      '--url',
      gateway.url,
      '--retries',
      '3',
      ...argv,
    ])
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
    }
    await once(child, 'close')
    return text
  }

  const unit = (address: string) => startProgram('processing-units/ticketing/main.ts', address)

  // architecture.md, section 5: one processing unit dies, the gateway drops it, retries with the
  // key are safe.
  it('loses no request and no seat when a unit is killed, and none when one is stopped', async () => {
    const first = unit(addresses[0])
    const second = unit(addresses[1])
    await gateway.waitForUnits(2)
    const killed = load('--rate', '40', '--duration', '5', '--think', '0.3', '--seats', '2000')
    await sleep(2500)
    await end(first, 'SIGKILL')
    const text = await killed
    expect(text).toContain('Audit passed.')
    expect(text).toContain('failed    0 ')

    unit(addresses[0])
    await gateway.waitForUnits(2)
    const stopped = load('--rate', '40', '--duration', '5', '--think', '0.3', '--seats', '2000')
    await sleep(2500)
    await end(second, 'SIGTERM')
    const textAfterStop = await stopped
    expect(textAfterStop).toContain('Audit passed.')
    expect(textAfterStop).toContain('failed    0 ')
  })
})
