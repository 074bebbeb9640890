import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { MemoryServing } from '@spacegrid/grid/doors/http/test-support/memory-serving'
import { shop } from '@spacegrid/grid/doors/http/test-support/shop-space'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { isHaproxyInstalled, RunningGateway } from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts } from '@spacegrid/proof/gateway/stand-in-units'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const unitAddress = '127.0.0.41'
/** From where callers connect. Linux answers on all of 127.0.0.0/8. */
const [ann, bert, proxy, inner] = ['127.0.0.42', '127.0.0.43', '127.0.0.44', '127.0.0.45']
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('callers behind the gateway', { timeout: 60_000 }, () => {
  const running = new AsyncDisposableStack()
  /** Where requests came from, as the unit's fairness is told. */
  const seen: (string | undefined)[] = []
  let unitPort: number
  let gateway: RunningGateway

  beforeAll(async () => {
    const ports = await freeUnitPorts([unitAddress])
    unitPort = ports.port
    const nameServer = new NameServer('processing-unit')
    const nameServerPort = await nameServer.start()
    running.defer(() => nameServer.stop())
    nameServer.addresses = [unitAddress]
    const pipeline = new RequestPipeline({
      identify: (origin) => {
        seen.push(origin.address)
        return { name: undefined, origin }
      },
    })
    const door = createHttpServer([new MemoryServing('shop-1', shop)], {
      ...{ log: { error: () => {} }, pipeline },
      // The gateway connects from there.
      trustedProxies: ['127.0.0.1'],
    })
    running.defer(() => door.close())
    await door.listen({ host: unitAddress, port: unitPort })
    const administration = createServer((_request, response) => response.end())
    running.defer(() => void administration.close())
    administration.listen(ports.adminPort, unitAddress)
    await once(administration, 'listening')
    const environment = {
      GATEWAY_RESOLVER: `127.0.0.1:${nameServerPort}`,
      GATEWAY_UNITS: `processing-unit:${unitPort}`,
      GATEWAY_UNIT_ADMIN_PORT: String(ports.adminPort),
      GATEWAY_TRUSTED_PROXIES: `${proxy} ${inner}`,
    }
    gateway = await RunningGateway.start(environment, process.env)
    running.defer(() => gateway.stop())
    await gateway.waitForUnits(1)
  })

  afterAll(() => running.disposeAsync())

  /** Where the unit believes that a request came from. */
  async function believed(
    localAddress: string | undefined,
    forwardedFor?: string | string[],
    [host, port] = ['127.0.0.1', gateway.port],
  ): Promise<string | undefined> {
    const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
    const sent = request({
      ...{ host, port, path: '/shop/queries/echo?text=a', agent: false, headers },
      ...(localAddress === undefined ? {} : { localAddress }),
    }).end()
    const [response] = await once(sent, 'response')
    await response.resume().toArray()
    expect(response.statusCode).toBe(200)
    return seen.at(-1)
  }

  it('are told apart by where they come from', async () => {
    expect(await believed(ann)).toBe(ann)
    expect(await believed(bert)).toBe(bert)
  })

  it.each([
    '203.0.113.9',
    '203.0.113.9, 127.0.0.44',
    '127.0.0.1, 127.0.0.44, 127.0.0.45',
    'unknown',
  ])('who claims %s is not believed', async (claim) => {
    expect(await believed(ann, claim)).toBe(ann)
    expect(await believed(ann, [claim, claim])).toBe(ann)
    // Nor past the gateway, straight to a unit.
    expect(await believed(ann, claim, [unitAddress, unitPort])).toBe(ann)
  })

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9, 127.0.0.45', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9, 127.0.0.44, 127.0.0.45', '203.0.113.9'],
    ['2001:db8::7', '2001:db8::7'],
    // Nobody has appended an address that could be believed.
    ['unknown', '127.0.0.44'],
  ])('a trusted proxy before the gateway is: %s came from %s', async (chain, address) => {
    expect(await believed(proxy, chain)).toBe(address)
  })

  it('a trusted proxy that says nothing is who asks', async () => {
    expect(await believed(proxy)).toBe(proxy)
  })
})
