import { isHaproxyInstalled, RunningGateway } from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts, StandInUnit, type UnitPorts } from '@spacegrid/proof/gateway/stand-in-units'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const unitAddresses = ['127.0.0.31', '127.0.0.32'] as const
const queryAddresses = ['127.0.0.33', '127.0.0.34'] as const
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

type Answer = { readonly status: number; readonly unit: string | undefined }

// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('the gateway before units of both roles', { timeout: 60_000 }, () => {
  const nameServer = new NameServer('processing-unit')
  let nameServerPort: number
  let ports: UnitPorts
  let gateway: RunningGateway
  let units: StandInUnit[]
  let queryUnits: StandInUnit[]

  beforeAll(async () => {
    nameServerPort = await nameServer.start()
  })

  afterAll(() => nameServer.stop())

  beforeEach(async () => {
    ports = await freeUnitPorts([...unitAddresses, ...queryAddresses])
    nameServer.addresses = unitAddresses
    nameServer.others.set('query-unit', queryAddresses)
    const environment = {
      GATEWAY_RESOLVER: `127.0.0.1:${nameServerPort}`,
      GATEWAY_UNITS: `processing-unit:${ports.port}`,
      GATEWAY_QUERY_UNITS: `query-unit:${ports.port}`,
      GATEWAY_UNIT_ADMIN_PORT: String(ports.adminPort),
    }
    gateway = await RunningGateway.start(environment, process.env)
    const started = (name: string, addresses: readonly string[]) =>
      Promise.all(addresses.map((address) => StandInUnit.start(name, address, ports)))
    units = await started('takes commands', unitAddresses)
    queryUnits = await started('queries', queryAddresses)
    await gateway.waitForUnits(2, 2)
  })

  afterEach(async () => {
    await gateway.stop()
    await Promise.all([...units, ...queryUnits].map((unit) => unit.kill()))
  })

  async function ask(method: string, path: string, headers = {}): Promise<Answer> {
    const body = method === 'POST' ? { body: '{}' } : {}
    const response = await fetch(`${gateway.url}${path}`, { method, headers, ...body })
    const text = await response.text()
    const unit = response.ok && text.startsWith('{') ? JSON.parse(text).unit : undefined
    return { status: response.status, unit }
  }

  /** Whoever has answered: many times, so that it is no accident. */
  async function answeredBy(method: string, path: string): Promise<Set<string | undefined>> {
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(method, path)))
    expect(answers.map(({ status }) => status)).toEqual(Array(16).fill(200))
    return new Set(answers.map(({ unit }) => unit))
  }

  async function streamedBy(): Promise<string> {
    const stopping = new AbortController()
    const response = await fetch(`${gateway.url}/ticketing/events`, { signal: stopping.signal })
    const { value } = (await response.body?.getReader().read()) ?? {}
    stopping.abort()
    return new TextDecoder().decode(value)
  }

  const takesCommands = new Set(['takes commands'])
  const queries = new Set(['queries'])
  const health = async () => (await fetch(`${gateway.adminUrl}/health/ready`)).text()

  it('sends commands to those that take them, and all that changes nothing to query units', async () => {
    expect(await answeredBy('POST', '/ticketing/commands/buy')).toEqual(takesCommands)
    expect(await answeredBy('GET', '/ticketing/queries/seatMap')).toEqual(queries)
    expect(await answeredBy('POST', '/ticketing/queries/seatMap')).toEqual(queries)
    expect(await answeredBy('POST', '/ticketing/queries')).toEqual(queries)
    expect(await answeredBy('GET', '/ticketing/caches/seats/a')).toEqual(queries)
    expect(await streamedBy()).toContain('queries')
    // A command by such a name is a command.
    expect(await answeredBy('POST', '/ticketing/commands/queries')).toEqual(takesCommands)
    expect(await health()).toBe('ready')
  })

  it('asks the others while no query unit is ready, without a failed query, and goes back', async () => {
    for (const unit of queryUnits) await unit.setReady(false)
    await gateway.waitForUnits(2, 0)
    expect(await answeredBy('GET', '/ticketing/queries/seatMap')).toEqual(takesCommands)
    expect(await streamedBy()).toContain('takes commands')
    for (const unit of queryUnits) await unit.setReady(true)
    await gateway.waitForUnits(2, 2)
    expect(await answeredBy('GET', '/ticketing/queries/seatMap')).toEqual(queries)
    // Killed, they are asked until their connections are refused.
    await Promise.all(queryUnits.map((unit) => unit.kill()))
    expect(await answeredBy('GET', '/ticketing/queries/seatMap')).toEqual(takesCommands)
    expect(await answeredBy('POST', '/ticketing/commands/buy')).toEqual(takesCommands)
  })

  it('goes on asking query units when nobody takes commands, which are told so', async () => {
    await Promise.all(units.map((unit) => unit.kill()))
    await gateway.waitForUnits(0, 2)
    expect(await answeredBy('GET', '/ticketing/queries/seatMap')).toEqual(queries)
    expect(await ask('POST', '/ticketing/commands/buy')).toEqual({ status: 503, unit: undefined })
    expect(await health()).toContain('ready for queries')
    await Promise.all(queryUnits.map((unit) => unit.kill()))
    await gateway.waitForUnits(0, 0)
    expect(await ask('GET', '/ticketing/queries/seatMap')).toMatchObject({ status: 503 })
    expect(await health()).toContain('no processing unit is ready')
  })
})
