import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seatMapPage } from './seat-map-page.ts'

const page = seatMapPage()
beforeAll(async () => {
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
})
afterAll(() => void page.close())

/** As it is written: `fetch` would tidy the path up. */
async function ask(path: string) {
  const { port } = page.address() as AddressInfo
  const sent = request({ host: '127.0.0.1', port, path, agent: false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const { statusCode, headers } = response
  return { status: statusCode, type: headers['content-type'], body: await text(response) }
}

test.each([
  ['/', 'text/html; charset=utf-8', '<!doctype html>'],
  ['/?event=concert', 'text/html; charset=utf-8', '<!doctype html>'],
  ['/seat-map.css', 'text/css; charset=utf-8', ':root'],
  ['/seat-map.js', 'text/javascript; charset=utf-8', 'spacegrid/client'],
  ['/modules/fast-json-patch/index.mjs', 'text/javascript; charset=utf-8', 'JsonPatchError'],
  ['/modules/spacegrid/client/index.ts', 'text/javascript; charset=utf-8', 'GridClient'],
  ['/modules/grid/core/errors', 'text/javascript; charset=utf-8', 'class GridError'],
])('%s is served', async (path, type, part) => {
  const answer = await ask(path)
  expect(answer).toMatchObject({ status: 200, type })
  expect(answer.body).toContain(part)
  if (path.includes('errors')) expect(answer.body).not.toContain('readonly code')
})

test.each([
  '/main.ts',
  '/seat-map-page.ts',
  '/../space.ts',
  '/modules/grid/core/../../package.json',
  '/modules/grid/core/%2e%2e/%2e%2e/package.json',
  '/modules/grid/core/..%2f..%2fpackage.json',
  '/modules/grid/core/none',
  '//etc/passwd',
  '/%',
])('%s is not', async (path) => {
  expect((await ask(path)).status).toBe(404)
})
