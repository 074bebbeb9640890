import Docker from 'dockerode'
import { expect, onTestFinished, test } from 'vitest'
import { DockerDriver } from './docker-driver.ts'
import { DockerEngine } from './test-support/docker-engine.ts'

// No Docker Engine was available where these tests were written: they show that the driver speaks
// the Engine's published API, by its own client over a Unix socket, and not what an Engine does.

async function world(units = 1) {
  const engine = await DockerEngine.start()
  onTestFinished(() => engine[Symbol.asyncDispose]())
  for (let number = 1; number <= units; number++) engine.add('shop', 'processing-unit', number)
  // Of others nothing may be seen.
  engine.add('shop', 'query-unit', 1)
  engine.add('other', 'processing-unit', 1)
  const docker = new Docker({ socketPath: engine.socketPath })
  const driver = new DockerDriver(docker, { project: 'shop', service: 'processing-unit' })
  const names = () =>
    [...engine.containers.values()]
      .filter(({ name }) => name.startsWith('shop-processing'))
      .map(({ name, State }) => `${name} ${State}`)
      .sort()
  return { engine, driver, names }
}

test('(no Docker Engine was available: its API by its own client) two more are made like the first', async () => {
  const { engine, driver, names } = await world()
  await driver.scale(3)
  expect(names()).toEqual([1, 2, 3].map((number) => `shop-processing-unit-${number} running`))
  const third = [...engine.containers.values()].find(({ name }) => name.endsWith('-3'))
  expect(third?.body).toMatchObject({
    ...{ Image: 'spacegrid', Cmd: ['node', 'main.ts'], Env: ['NATS_URL=nats://nats:4222'] },
    HostConfig: { Memory: 2 ** 31, ReadonlyRootfs: true, CapDrop: ['ALL'] },
    Labels: { 'com.docker.compose.container-number': '3' },
    NetworkingConfig: {
      EndpointsConfig: {
        shop_inside: { Aliases: ['shop-processing-unit-3', 'processing-unit'] },
      },
    },
  })
  expect(third?.body).not.toHaveProperty('Hostname')
  expect(await driver.look()).toEqual({ wanted: 3, ready: 1, starting: 2, spares: 0 })
})

test('to be told twice makes none twice', async () => {
  const { driver, names } = await world()
  await driver.scale(2)
  await driver.scale(2)
  expect(names()).toHaveLength(2)
})

test('those with the highest numbers are stopped, and removed with what was theirs alone', async () => {
  const { engine, driver, names } = await world(3)
  await driver.scale(1)
  expect(names()).toEqual(['shop-processing-unit-1 running'])
  expect(engine.containers.size).toBe(3)
  expect(engine.asked).toContain('POST /containers/3/stop')
})

test('a number that is missing is made again, and one that has ended is started', async () => {
  const { engine, driver, names } = await world(1)
  engine.add('shop', 'processing-unit', 3, 'exited')
  expect(await driver.look()).toEqual({ wanted: 2, ready: 1, starting: 0, spares: 0 })
  await driver.scale(3)
  expect(names()).toEqual([1, 2, 3].map((number) => `shop-processing-unit-${number} running`))
})

test('a name that somebody else has taken is refused, and nothing is there twice', async () => {
  const { engine, driver } = await world(1)
  const docker = new Docker({ socketPath: engine.socketPath })
  const other = new DockerDriver(docker, { project: 'shop', service: 'processing-unit' })
  const both = await Promise.allSettled([driver.scale(2), other.scale(2)])
  for (const one of both)
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'fenced' })
  expect(await driver.look()).toMatchObject({ wanted: 2 })
})

test('without any there is nothing to make others like', async () => {
  const { driver } = await world(0)
  await expect(driver.scale(2)).rejects.toMatchObject({
    ...{ code: 'no_responder', message: expect.stringContaining('docker compose up first') },
  })
})

test('what the Engine refuses is told in its words', async () => {
  const { engine, driver } = await world()
  engine.failsWith = 500
  await expect(driver.look()).rejects.toMatchObject({
    ...{ code: 'no_responder', message: 'the Docker Engine: engine says no' },
  })
})

test('an Engine that is not there', async () => {
  const docker = new Docker({ socketPath: '/nowhere/docker.sock' })
  const driver = new DockerDriver(docker, { project: 'shop', service: 'processing-unit' })
  await expect(driver.look()).rejects.toMatchObject({
    ...{ code: 'no_responder', message: 'the Docker Engine: ENOENT' },
  })
})
