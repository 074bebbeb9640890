import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { GridError } from '@spacegrid/grid/core/errors'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { afterEach, expect, test } from 'vitest'
import { Console } from './console.ts'
import type { ConsoleOptions } from './console-options.ts'
import type { SpikeSize, UnitAction } from './control.ts'
import { told } from './test-support/told.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

const log = { error: () => undefined }
const done: string[] = []
const driver = {
  about: 'A driver for tests',
  add: true as const,
  units: () => ({
    'shop-1': ['stop', 'kill'] as UnitAction[],
    'shop-2': ['start'] as UnitAction[],
  }),
  addUnit: async () => 'shop-3',
  act: async (unit: string, action: UnitAction) => {
    if (unit !== 'shop-1') throw new GridError('rejected', `${unit}: not now`)
    done.push(`${action} ${unit}`)
  },
}
const spike = {
  sizes: { small: 'few', medium: 'some', large: 'many' },
  start: (size: SpikeSize) => void done.push(`spike ${size}`),
  stop: () => void done.push('end'),
  status: () => ({
    ...{ phase: 'idle' as const, size: null, startedAt: null, durationMs: 1, results: [] },
  }),
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  opened.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function serve(options: Partial<ConsoleOptions> = {}) {
  const made = new Console({
    source: {
      start: () => undefined,
      stop: async () => undefined,
      processes: () => [told('shop-1', 'processing-unit', { shop: { position: 1 } })],
    },
    ...{ clock: new SystemClock(), log, kind: 'embedded', driver, spike },
    access: { token: undefined, host: '127.0.0.1' },
    looking: { look: async (asked) => asked },
    ...options,
  })
  opened.push(made)
  const port = await listening(createServer(made.answer))
  const ask = async (
    path: string,
    {
      method = 'GET',
      headers = {},
      body = '',
    }: { method?: string; headers?: object; body?: string } = {},
  ) => {
    const options = { host: '127.0.0.1', port, path, method, headers: { ...headers }, agent: false }
    const sent = request(options).end(body)
    const [answer] = await once(sent, 'response')
    return {
      status: answer.statusCode as number,
      headers: answer.headers,
      text: await text(answer),
    }
  }
  return { port, ask }
}

/** What its stream tells, until all of it has come. */
async function follow(port: number, events: readonly string[], headers: object = {}) {
  const sent = request({
    host: '127.0.0.1',
    port,
    path: '/console/live',
    headers: { ...headers },
    agent: false,
  })
  opened.push({ close: () => sent.destroy() })
  const [answer] = await once(sent.end(), 'response')
  const heard: Record<string, Record<string, unknown>> = {}
  let rest = ''
  for await (const chunk of answer) {
    rest += String(chunk)
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const [, event = '', data = '{}'] = /^event: (.*)\ndata: (.*)$/.exec(rest.slice(0, end)) ?? []
      heard[event] = JSON.parse(data)
      rest = rest.slice(end + 2)
    }
    if (events.every((event) => heard[event])) break
  }
  return heard
}

test('its page needs nothing from elsewhere, and lets no script in that is not its own', async () => {
  const { ask } = await serve()
  for (const path of ['/', '/console']) {
    const { status, headers, text: page } = await ask(path)
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(page).not.toMatch(/<script(?![^>]* src=)|\son\w+=|style="|(?:src|href)="https?:/)
  }
})

test('every module that the page loads is there', async () => {
  const { ask } = await serve()
  const waiting = [
    '/console/console.js',
    '/console/theme.js',
    '/console/console.css',
    '/console/icon.svg',
  ]
  const seen = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const { status, text: code, headers } = await ask(path)
    expect(status, path).toBe(200)
    if (!headers['content-type']?.startsWith('text/javascript')) continue
    for (const [, name = ''] of code.matchAll(/^(?:import|export)[^'"]*? from ['"]([^'"]+)['"]/gm))
      waiting.push(new URL(name, `http://console${path}`).pathname)
  }
  expect([...seen].some((path) => path.includes('modules/spacegrid/client/'))).toBe(true)
  expect([...seen].some((path) => path.includes('modules/grid/core/'))).toBe(true)
})

test.each([
  '/console/main.ts',
  '/console/constructor',
  '/console/page/index.html',
  '/console/modules/grid/core/../../package.json',
  '/console/modules/grid/core/..%2f..%2fpackage.json',
  '/console/modules/grid/program/environment.ts',
  '/console/modules/grid/core/none.ts',
  '/console/grid/openapi.json',
  '/console//etc/passwd',
])('%s is not served', async (path) => {
  const { ask } = await serve()
  expect((await ask(path)).status).toBe(404)
})

test('alarms lead to pages that it has, with the headings that they name', async () => {
  const { ask } = await serve()
  const page = await ask('/console/doc/operations.md')
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('id="what-to-do-when"') })
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  expect((await ask('/console/doc/none.md')).status).toBe(404)
})

test('whoever looks is told how things are, with what can be done', async () => {
  const { port } = await serve()
  const { hello, snapshot } = await follow(port, ['hello', 'snapshot'])
  expect(hello).toMatchObject({ kind: 'embedded', mode: 'open', grid: '', driver: driver.about })
  expect(snapshot).toMatchObject({
    processes: [
      { name: 'shop-1', state: 'ready' },
      { name: 'shop-2', state: 'stopped' },
    ],
    control: { add: true, units: { 'shop-1': ['stop', 'kill'] } },
    spike: { phase: 'idle' },
  })
})

test('acts for its own page only, and says what is not possible', async () => {
  const { port, ask } = await serve()
  const { hello } = await follow(port, ['hello'])
  const own = { origin: `http://127.0.0.1:${port}`, 'x-console-token': hello?.pageToken }
  const act = (body: object, headers: object = own) =>
    ask('/console/actions', { method: 'POST', headers, body: JSON.stringify(body) })
  done.length = 0
  expect(await act({ action: 'add' })).toMatchObject({ status: 200, text: '{"unit":"shop-3"}' })
  expect((await act({ action: 'kill', unit: 'shop-1' })).status).toBe(200)
  expect((await act({ action: 'spike', size: 'medium' })).status).toBe(200)
  expect((await act({ action: 'end-spike' })).status).toBe(200)
  expect(done).toEqual(['kill shop-1', 'spike medium', 'end'])
  expect(await act({ action: 'stop', unit: 'shop-2' })).toMatchObject({ status: 409 })
  for (const wrong of [{}, { action: 'spike', size: 'huge' }, { action: 'constructor', unit: 'a' }])
    expect((await act(wrong)).status).toBe(400)
  expect((await act({ action: 'add' }, { ...own, origin: 'http://evil.example' })).status).toBe(403)
  expect((await act({ action: 'add' }, { origin: own.origin })).status).toBe(403)
  const large = { method: 'POST', headers: own, body: 'x'.repeat(20_000) }
  expect((await ask('/console/actions', large)).status).toBe(413)
  expect((await ask('/console/actions', { ...large, body: '{' })).status).toBe(400)
  expect((await ask('/console/entries', { ...large, body: '{}' })).status).toBe(404)
  expect(done.length).toBe(3)
})

test('under a name that is not this machine’s nothing is told', async () => {
  const { ask } = await serve()
  const headers = { host: 'evil.example' }
  for (const path of ['/', '/console/live', '/console/entries?space=a'])
    expect((await ask(path, { headers })).status).toBe(403)
})

test('with a token it asks for it, by a form that needs no script', async () => {
  const token = 'sixteen characters'
  const { ask, port } = await serve({ access: { token, host: '0.0.0.0' } })
  const first = await ask('/')
  expect(first).toMatchObject({
    status: 401,
    text: expect.stringContaining('action="/console/session"'),
  })
  expect((await ask('/console/live')).status).toBe(401)
  expect((await ask('/console/console.css')).status).toBe(200)
  const signIn = (sent: string) =>
    ask('/console/session', {
      method: 'POST',
      body: new URLSearchParams({ token: sent }).toString(),
    })
  expect((await signIn('wrong')).status).toBe(401)
  const { status, headers } = await signIn(token)
  expect(status).toBe(303)
  const cookie = String(headers['set-cookie']).split(';', 1)[0]
  expect((await ask('/', { headers: { cookie } })).status).toBe(200)
  expect((await follow(port, ['hello'], { cookie })).hello).toMatchObject({ mode: 'token' })
})

test('entries are asked for page by page', async () => {
  const { ask } = await serve()
  const answer = await ask('/console/entries?space=shop&cache=stock&offset=50&limit=25')
  expect(JSON.parse(answer.text)).toEqual({ space: 'shop', cache: 'stock', offset: 50, limit: 25 })
  for (const wrong of ['limit=101', 'offset=-1', 'offset=1e9', 'limit=x'])
    expect((await ask(`/console/entries?space=shop&${wrong}`)).status, wrong).toBe(400)
})

test('passes visitors’ requests on to the grid, and keeps back what is its own', async () => {
  const heard: {
    method?: string | undefined
    url?: string | undefined
    headers: object
    body: string
  }[] = []
  const gridPort = await listening(
    createServer(async (asked, answer) => {
      const { method, url, headers } = asked
      heard.push({ method, url, headers, body: await text(asked) })
      answer
        .writeHead(409, { 'content-type': 'application/problem+json' })
        .end('{"code":"rejected"}')
    }),
  )
  const { port, ask } = await serve({
    kind: 'grid',
    gridUrl: new URL(`http://127.0.0.1:${gridPort}`),
  })
  const { hello } = await follow(port, ['hello'])
  expect(hello).toMatchObject({ grid: '/console/grid' })
  const headers = {
    ...{ origin: `http://127.0.0.1:${port}`, 'x-console-token': hello?.pageToken },
    ...{ cookie: 'spacegrid_console=secret', 'idempotency-key': 'k' },
  }
  const answer = await ask('/console/grid/shop/commands/buy?x=1', {
    method: 'POST',
    headers,
    body: '{}',
  })
  expect(answer).toMatchObject({ status: 409, text: '{"code":"rejected"}' })
  expect(heard[0]).toMatchObject({
    ...{ method: 'POST', url: '/shop/commands/buy?x=1', body: '{}' },
    headers: { 'idempotency-key': 'k', 'x-forwarded-for': '127.0.0.1' },
  })
  for (const own of ['cookie', 'origin', 'x-console-token'])
    expect(heard[0]?.headers).not.toHaveProperty(own)
  const foreign = { ...headers, origin: 'http://evil.example' }
  expect(
    (await ask('/console/grid/shop/commands/buy', { method: 'POST', headers: foreign })).status,
  ).toBe(403)
  expect(heard.length).toBe(1)
})

test('says so when the grid cannot be reached', async () => {
  const unused = await listening(createServer())
  for (const one of opened.splice(0)) one.close()
  const { ask } = await serve({ kind: 'grid', gridUrl: new URL(`http://127.0.0.1:${unused}`) })
  const answer = await ask('/console/grid/shop/queries/stock')
  expect(answer).toMatchObject({ status: 502, text: expect.stringContaining('no_responder') })
})
