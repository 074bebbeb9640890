import { isHaproxyInstalled, RunningGateway } from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts, StandInUnit } from '@spacegrid/proof/gateway/stand-in-units'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { describe, expect, it, onTestFinished } from 'vitest'

const [unitAddress, roomAddress] = ['127.0.0.41', '127.0.0.42'] as const
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('the gateway before waiting rooms', { timeout: 60_000 }, () => {
  it('asks them for all that is about lines, and nobody else', async () => {
    const nameServer = new NameServer('processing-unit')
    const nameServerPort = await nameServer.start()
    onTestFinished(() => nameServer.stop())
    nameServer.addresses = [unitAddress]
    nameServer.others.set('waiting-room', [roomAddress])
    const ports = await freeUnitPorts([unitAddress, roomAddress])
    const gateway = await RunningGateway.start(
      {
        GATEWAY_RESOLVER: `127.0.0.1:${nameServerPort}`,
        GATEWAY_UNITS: `processing-unit:${ports.port}`,
        GATEWAY_WAITING_ROOMS: `waiting-room:${ports.port}`,
        GATEWAY_UNIT_ADMIN_PORT: String(ports.adminPort),
      },
      process.env,
    )
    onTestFinished(() => gateway.stop())
    const ask = async (method: string, path: string) => {
      const response = await fetch(`${gateway.url}${path}`, {
        ...{ method, ...(method === 'POST' ? { body: '{}' } : {}) },
        headers: path.includes('page') ? { accept: 'text/html,text/event-stream' } : {},
      })
      const { unit, code } = JSON.parse(await response.text())
      return { status: response.status, who: unit ?? code }
    }
    const line = '/waiting-room/ticketing/concert'
    expect(await ask('POST', line)).toEqual({ status: 503, who: 'not_ready' })
    const room = await StandInUnit.start('waiting room', roomAddress, ports)
    onTestFinished(() => room.kill())
    const isServed = async () => (await ask('GET', line)).status === 200
    // Lines are looked at while no unit is there.
    await waitFor(isServed, { what: 'a waiting room in service', timeoutMs: 30_000 })
    for (const method of ['GET', 'POST', 'DELETE'])
      for (const path of [line, '/waiting-room/page', '/waiting-room/shop/events'])
        expect(await ask(method, path)).toEqual({ status: 200, who: 'waiting room' })
    expect(await ask('POST', '/ticketing/commands/buy')).toMatchObject({ status: 503 })
    const unit = await StandInUnit.start('unit', unitAddress, ports)
    onTestFinished(() => unit.kill())
    await gateway.waitForUnits(1)
    expect(await ask('POST', '/ticketing/commands/buy')).toEqual({ status: 200, who: 'unit' })
    expect(await ask('POST', line)).toEqual({ status: 200, who: 'waiting room' })
    await room.kill()
    await waitFor(async () => (await ask('POST', line)).status === 503, { what: 'the loss' })
    expect(await ask('POST', '/ticketing/commands/buy')).toEqual({ status: 200, who: 'unit' })
  })
})
