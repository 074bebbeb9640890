import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { expect, inject, onTestFinished, test } from 'vitest'
import { findGrid } from './find-grid.ts'

const environment = (variables: Record<string, string>) =>
  readEnvironment([], { DATA_DIR: '/nowhere', ...variables })

const space = 'shop'

test('by NATS: the address that a unit of the space gives, and how all of them are asked', async () => {
  const found = uniqueName('found')
  const serve = async (unit: string, role: string, port: number) => {
    const messaging = await NatsMessaging.open(inject('natsUrl'), { name: 'test' })
    onTestFinished(() => messaging.close())
    const at = (its: number) => `http://127.0.0.1:${its}`
    const metadata = { unit, role, http: at(port), admin: at(port + 1) }
    await messaging.serve({ name: `spacegrid-${found}`, version: '1.0.0', metadata, endpoints: [] })
  }
  await serve('a', 'query-unit', 1000)
  await serve('b', 'unit', 2000)
  await serve('c', 'unit', 2000)
  const grid = await findGrid({ space: found }, environment({ NATS_URL: inject('natsUrl') }))
  onTestFinished(() => grid.close())
  expect(grid.url.href).toBe('http://127.0.0.1:2000/')
  expect(grid.how).toContain('one of 3 units that NATS at')
  expect(grid.how).toContain('2 addresses')
  expect(await grid.processes()).toEqual(
    ['a', 'b', 'c'].map((name) => ({
      name,
      admin: `http://127.0.0.1:${name === 'a' ? 1001 : 2001}`,
    })),
  )
})

test('by NATS: nobody serves the space', async () => {
  const variables = environment({ NATS_URL: inject('natsUrl') })
  await expect(findGrid({ space: uniqueName('none') }, variables)).rejects.toMatchObject({
    code: 'no_responder',
    message: expect.stringContaining('--url'),
  })
})

async function clusterFolder(pid: number): Promise<string> {
  const folder = await temporaryFolder('cluster')
  const processes = [
    { role: 'processing-unit', name: 'shop-1', pid, port: 4000, adminPort: 4001 },
    { role: 'server', name: 'nats', pid, port: 4222, adminPort: 0 },
  ]
  const file = { urls: { http: 'http://127.0.0.1:4000' }, spaces: [space], processes }
  await writeFile(join(folder, 'cluster.json'), JSON.stringify(file))
  return folder
}

test('by the cluster of the data directory, while any process of it lives', async () => {
  const folder = await clusterFolder(process.pid)
  const grid = await findGrid({ space }, environment({ DATA_DIR: folder }))
  expect(grid.url.href).toBe('http://127.0.0.1:4000/')
  expect(grid.how).toBe(`the cluster of ${join(folder, 'cluster.json')}`)
  expect(await grid.processes()).toEqual([{ name: 'shop-1', admin: 'http://127.0.0.1:4001' }])
  // The largest process id is never given.
  const gone = await findGrid(
    { space },
    environment({ DATA_DIR: await clusterFolder(2 ** 22), PORT: '5000' }),
  )
  expect(gone.url.href).toBe('http://127.0.0.1:5000/')
})

test('else where npx spacegrid start serves', async () => {
  const variables = environment({ PORT: '5000', ADMIN_PORT: '5001' })
  const grid = await findGrid({ space }, variables)
  expect(grid.url.href).toBe('http://127.0.0.1:5000/')
  expect(grid.how).toContain('npx spacegrid start')
  expect(await grid.processes()).toEqual([{ name: 'embedded', admin: 'http://127.0.0.1:5001' }])
})

test('a URL that is given is taken; its figures are asked for where it is known, or named', async () => {
  const variables = environment({ DATA_DIR: await clusterFolder(process.pid), PORT: '5000' })
  const find = (url: string, status?: string[]) =>
    findGrid({ space, url: new URL(url), status }, variables)
  const other = await find('http://127.0.0.1:6000')
  expect(other.how).toBe('named by --url')
  expect(await other.processes()).toEqual([])
  const cluster = await find('http://127.0.0.1:4000')
  expect(await cluster.processes()).toHaveLength(1)
  const named = await find('http://127.0.0.1:6000', ['http://127.0.0.1:6001'])
  expect(await named.processes()).toEqual([
    { name: '127.0.0.1:6001', admin: 'http://127.0.0.1:6001' },
  ])
})
