import { describe, expect, onTestFinished, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import type { Endpoint, Messaging, Service } from '../../engine/ports/messaging.ts'
import { serveAdministration } from '../nats/administration-service.ts'
import { serveSpace } from '../nats/space-services.ts'
import {
  badCredentials,
  guardVault,
  type Person,
  showing,
  treasure,
  vault,
} from '../request/access/test-support/guarded-vault.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import type { ArchivePage, HistoryPage, StoredAnswer } from '../request/serving.ts'
import { createHttpServer } from './http-server.ts'
import { addPages } from './pages.ts'
import { MemoryGrid, MemoryServing } from './test-support/memory-serving.ts'

/*
 * Nothing answers without a permission: every route and every service there is are asked, whatever
 * they are called. A route that is added later is among them.
 */

const value = { id: 'a', what: treasure, soldAt: 0 }

/** A unit that has all that can be asked for, and shows it to whoever gets so far. */
class Vault extends MemoryServing {
  readonly archive = {
    entry: async (): Promise<StoredAnswer> => ({
      ...{ key: 'a', value, version: 1, writtenAt: 1, archived: true, position: 1 },
    }),
    range: async (): Promise<ArchivePage> => ({
      entries: [{ key: 'a', value, version: 1, writtenAt: 1, archived: true }],
      position: 1,
    }),
  }
  readonly past = {
    query: () => this.query('secrets', {}),
    queries: () => this.queries([{ query: 'secrets' }]),
    entry: async () => ({ value, version: 1, writtenAt: 1, position: 1 }),
    history: async (): Promise<HistoryPage> => ({
      changes: [{ position: 1, time: 1, change: 'created', to: value, transaction: 1 }],
      since: { position: 0, time: 0 },
      position: 1,
    }),
  }

  async correct(): Promise<never> {
    throw new GridError('internal', treasure)
  }

  async askOutbox(): Promise<unknown> {
    return treasure
  }
}

interface Route {
  readonly method: string
  readonly url: string
}

function open(guarded = guardVault()) {
  const grid = new MemoryGrid()
  grid.entries.set('gems/a', { value, version: 1, position: 1 })
  const unit = new Vault('vault-1', vault, grid)
  const routes: Route[] = []
  const pipeline = new RequestPipeline({ access: guarded.access })
  const app = createHttpServer([unit], {
    log: { error: () => undefined },
    pipeline,
    toldRoute: (route) => routes.push(route),
    addRoutes: (more) => {
      // Somebody adds one, and forgets to say who may ask it.
      more.get('/forgotten', async () => treasure)
    },
  })
  onTestFinished(() => app.close())
  const ask = (route: Route, headers: Readonly<Record<string, string>> = {}) =>
    app.inject({
      method: route.method as 'GET',
      url: route.url.replace(':key', 'a').replace('*', 'x'),
      headers: {
        ...(route.method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(route.method === 'POST' ? { payload: bodyOf(route.url) } : {}),
    })
  return { ...guarded, unit, app, routes, ask, pipeline }
}

const bodyOf = (url: string): string =>
  url.endsWith('/queries') ? '[{"query":"secrets"},{"query":"hours"}]' : '{"id":"a"}'

/** What anybody may see: it says nothing of any space. */
const publicRoutes = ['GET /', 'HEAD /']
/** What the vault itself declares to be public. */
const publicInVault = [
  'POST /vault/commands/ring',
  ...['GET', 'HEAD', 'POST'].map((method) => `${method} /vault/queries/hours`),
]

const nameOf = ({ method, url }: Route): string => `${method} ${url}`

describe('over HTTP', () => {
  test('every route is known', async () => {
    const { app, routes } = open()
    await app.ready()
    const names = routes.map(nameOf)
    for (const name of [
      ...publicRoutes,
      ...publicInVault,
      'GET /forgotten',
      'GET /openapi.json',
      'GET /docs/json',
      'GET /vault/events',
      'POST /vault/queries',
      'GET /vault/caches/gems/:key',
      'GET /vault/caches/gems/:key/history',
      'GET /vault/archive/gems',
      'GET /vault/archive/gems/:key',
      'GET /vault/projections/gemsByWhat',
      'GET /vault/projections/gemsByWhat/:key',
    ])
      expect(names).toContain(name)
  })

  test.each([
    ['whoever shows nothing', {}, 401],
    ['whoever may nothing', showing('visitor'), 403],
  ])('no route answers %s', async (_, headers, status) => {
    const { app, routes, ask } = open()
    await app.ready()
    for (const route of routes) {
      const answer = await ask(route, headers)
      expect(answer.body, nameOf(route)).not.toContain(treasure)
      if ([...publicRoutes, ...publicInVault].includes(nameOf(route))) {
        expect(answer.statusCode, nameOf(route)).toBe(200)
        continue
      }
      // The rest of it is for whoever is identified.
      if (status === 403 && route.url === '/vault/commands/greet') continue
      expect(answer.statusCode, nameOf(route)).toBe(status)
      expect(answer.headers['grid-position'], nameOf(route)).toBeUndefined()
      if (status === 401)
        expect(answer.headers['www-authenticate'], nameOf(route)).toBe(
          'Bearer realm="spacegrid", Api-Key realm="spacegrid"',
        )
    }
    expect(routes.length).toBeGreaterThan(40)
  })

  test.each(Object.entries(badCredentials))('no route takes %s', async (_, authorization) => {
    const { app, routes, ask } = open()
    await app.ready()
    for (const route of routes) {
      if (publicRoutes.includes(nameOf(route))) continue
      const answer = await ask(route, { authorization })
      expect(answer.statusCode, nameOf(route)).toBe(401)
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
      expect(answer.body).not.toContain(treasure)
    }
  })

  test('what is not there is told only to whoever may know what is', async () => {
    const { ask, app } = open(guardVault(new Map([['director', ['grid:docs:read']]])))
    const nowhere = [
      { method: 'GET', url: '/vault/queries/gems' },
      { method: 'GET', url: '/vault/commands/put' },
      { method: 'GET', url: '/bank' },
      { method: 'POST', url: '/vault/commands/steal' },
      { method: 'OPTIONS', url: '/vault/commands/put' },
      { method: 'DELETE', url: '/vault/caches/gems/a' },
    ]
    for (const route of nowhere) {
      const blind = await ask(route)
      expect([401, 404], nameOf(route)).toContain(blind.statusCode)
      const visitor = await ask(route, showing('visitor'))
      expect(visitor.statusCode, nameOf(route)).toBe(404)
      for (const { body } of [blind, visitor]) expect(body).not.toMatch(/known"|secrets|put|allow/)
    }
    const seen = await ask({ method: 'GET', url: '/vault/queries/gems' }, showing('director'))
    expect(seen.json()).toMatchObject({
      code: 'unknown_query',
      error: { known: expect.any(Array) },
    })
    expect(
      (await app.inject({ url: '/openapi.json', headers: showing('director') })).statusCode,
    ).toBe(200)
  })

  test('whoever has the role is answered, by name', async () => {
    const { ask } = open()
    const put = await ask({ method: 'POST', url: '/vault/commands/put' }, showing('curator'))
    expect(put.json()).toMatchObject({ result: { by: 'carla', roles: ['curator'] } })
    for (const url of [
      '/vault/queries/gem?id=a',
      '/vault/caches/gems/a',
      '/vault/caches/gems/a/history',
      '/vault/archive/gems/a',
      '/vault/archive/gems?index=byWhat',
    ]) {
      const answer = await ask({ method: 'GET', url }, showing('curator'))
      expect(answer.statusCode, url).toBe(200)
      expect(answer.body, url).toContain(treasure)
    }
  })

  test('a permission that is missing is named', async () => {
    const { ask } = open()
    const answer = await ask({ method: 'POST', url: '/vault/commands/burn' }, showing('curator'))
    expect(answer.json()).toMatchObject({
      ...{ status: 403, code: 'forbidden' },
      error: { permission: 'vault:command:burn' },
    })
  })

  test('of several queries all must be allowed', async () => {
    const { app } = open()
    const batch = (names: readonly string[], person: Person) =>
      app.inject({
        ...{ method: 'POST', url: '/vault/queries', headers: showing(person) },
        payload: names.map((query) => ({ query, input: query === 'gem' ? { id: 'a' } : {} })),
      })
    expect((await batch(['gem', 'hours'], 'curator')).statusCode).toBe(200)
    expect((await batch(['hours'], 'visitor')).statusCode).toBe(200)
    for (const name of ['secrets', 'nothing', 'gem '])
      expect((await batch(['gem', name], 'curator')).json()).toMatchObject({
        ...{ code: 'forbidden', error: { permission: `vault:query:${name}` } },
      })
  })

  test('the past takes a permission of its own', async () => {
    const roles = new Map([['curator', ['vault:query:*', 'vault:cache:gems']]])
    const { ask } = open(guardVault(roles))
    const asOf = { ...showing('curator'), 'grid-position': '=1' }
    for (const [url, name] of [
      ['/vault/queries/gem?id=a', 'gem'],
      ['/vault/caches/gems/a', 'gems'],
    ] as const) {
      expect((await ask({ method: 'GET', url }, showing('curator'))).statusCode).toBe(200)
      expect((await ask({ method: 'GET', url }, asOf)).json()).toMatchObject({
        error: { permission: `vault:past:${name}` },
      })
    }
    const history = { method: 'GET', url: '/vault/caches/gems/a/history' }
    expect((await ask(history, showing('curator'))).statusCode).toBe(403)
  })

  test('idempotency keys belong to their callers', async () => {
    const { app, unit } = open()
    const send = (headers: Readonly<Record<string, string>>) =>
      app.inject({
        ...{ method: 'POST', url: '/vault/commands/put', payload: { id: 'a' } },
        headers: { ...headers, 'idempotency-key': 'the same' },
      })
    const [first, other, again] = [
      await send(showing('curator')),
      await send(showing('other')),
      await send(showing('curator')),
    ]
    expect(first.json().result.by).toBe('carla')
    expect(other.json().result.by).toBe('otto')
    expect(again.json().result.by).toBe('carla')
    expect([first, other, again].map(({ headers }) => headers['idempotency-replayed'])).toEqual([
      ...[undefined, undefined, 'true'],
    ])
    expect(unit.grid.answers.size).toBe(2)
  })

  test('whoever is refused is written down, and what was shown is not', async () => {
    const { ask, records } = open()
    await ask({ method: 'POST', url: '/vault/commands/burn' }, showing('curator'))
    await ask({ method: 'POST', url: '/vault/commands/put' })
    await ask({ method: 'POST', url: '/vault/commands/put' }, { authorization: 'Bearer abc' })
    expect(records).toMatchObject([
      { kind: 'refusal', who: 'carla', what: 'vault:command:burn', outcome: 'forbidden' },
      { kind: 'refusal', what: 'vault:command:put', door: 'http', reason: 'missing' },
      { kind: 'refusal', what: 'vault:command:put', reason: 'unknown_scheme' },
    ])
    expect(JSON.stringify(records)).not.toMatch(/sgk_|abc/)
  })

  test('the document says what it takes', async () => {
    const { app } = open(guardVault(new Map([['director', ['*']]])))
    const document = (
      await app.inject({ url: '/openapi.json', headers: showing('director') })
    ).json()
    expect(Object.keys(document.components.securitySchemes)).toEqual(['token', 'key'])
    const { post } = document.paths['/vault/commands/put']
    expect(post.security).toEqual([{ token: [] }, { key: [] }])
    expect(post['x-permissions']).toEqual(['vault:command:put'])
    expect(Object.keys(post.responses)).toEqual(expect.arrayContaining(['401', '403']))
    expect(document.paths['/vault/queries/hours'].get.security[0]).toEqual({})
  })

  test('pages for people ask in their own way', async () => {
    const { access } = guardVault()
    const app = createHttpServer([new Vault('vault-1', vault)], {
      log: { error: () => undefined },
      pipeline: new RequestPipeline({ access }),
      pages: (_request, response) => void response.end('the console asks for its own token'),
    })
    onTestFinished(() => app.close())
    expect((await app.inject({ url: '/console/x' })).statusCode).toBe(200)
    expect(addPages).toBeTypeOf('function')
  })
})

/** Keeps what is served, and asks it. */
function deskOf() {
  const services: Service[] = []
  const unused = () => {
    throw new Error('not part of this test double')
  }
  const messaging: Messaging = {
    messageBytesMax: 1024 * 1024,
    serve: async (service) => {
      services.push(service)
      return { stop: async () => undefined }
    },
    ...{ request: unused, publish: unused, subscribe: unused, respond: unused },
    close: async () => undefined,
  }
  const endpoints = () => services.flatMap((service) => service.endpoints)
  const ask = async (endpoint: Endpoint, headers: Readonly<Record<string, string>> = {}) => {
    const text = endpoint.subject.endsWith('.queries') ? '[{"query":"secrets"}]' : '{"id":"a"}'
    try {
      const { data } = await endpoint.respond({ data: Buffer.from(text), headers })
      return { answer: Buffer.from(data).toString() }
    } catch (error) {
      if (error instanceof GridError) return { error }
      throw error
    }
  }
  return { messaging, endpoints, ask }
}

describe('over NATS', () => {
  async function serve(guarded = guardVault()) {
    const desk = deskOf()
    const unit = new Vault('vault-1', vault)
    const log = { error: () => undefined }
    const pipeline = new RequestPipeline({ access: guarded.access })
    await serveSpace(desk.messaging, unit, { log, pipeline })
    await serveAdministration(desk.messaging, unit, log, guarded.access)
    return { ...desk, ...guarded }
  }

  const isPublic = ({ subject }: Endpoint) => /\.(ring|hours)$/.test(subject)

  const callers: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['whoever shows nothing', {}, 'unauthenticated'],
    ['whoever may nothing', showing('visitor'), 'forbidden'],
    [
      'a header twice',
      { Authorization: 'Api-Key a', authorization: 'Api-Key b' },
      'unauthenticated',
    ],
    ...Object.entries(badCredentials).map(
      ([name, authorization]) => [name, { authorization }, 'unauthenticated'] as const,
    ),
  ]

  test.each(callers)('no service answers %s', async (_, headers, code) => {
    const { endpoints, ask } = await serve()
    expect(endpoints().length).toBeGreaterThan(9)
    for (const endpoint of endpoints()) {
      const { answer, error } = await ask(endpoint, headers)
      expect(`${answer} ${error?.message}`, endpoint.subject).not.toContain(treasure)
      if (isPublic(endpoint) && (code === 'forbidden' || Object.keys(headers).length === 0))
        continue
      if (code === 'forbidden' && endpoint.subject.endsWith('.greet')) continue
      expect(error?.code, endpoint.subject).toBe(code)
    }
  })

  test('whoever has the role is answered; operators are written down', async () => {
    const { endpoints, ask, records } = await serve()
    const named = (name: string) => endpoints().find(({ subject }) => subject.endsWith(name))
    const put = await ask(named('.put') as Endpoint, {
      Authorization: showing('curator').authorization as string,
    })
    expect(put.answer).toContain('"by":"carla"')
    const outbox = await ask(named('.admin.reactions') as Endpoint, showing('director'))
    expect(outbox.answer).toContain(treasure)
    await ask(named('.admin.correct') as Endpoint, showing('director'))
    await ask(named('.admin.correct') as Endpoint, showing('curator'))
    expect(records).toMatchObject([
      { kind: 'administration', who: 'dora', what: 'vault:admin:reactions', outcome: 'done' },
      { kind: 'administration', who: 'dora', what: 'vault:admin:correct', outcome: 'internal' },
      { kind: 'refusal', who: 'carla', what: 'vault:admin:correct', outcome: 'forbidden' },
    ])
  })
})
