import { describe, expect, onTestFinished, test } from 'vitest'
import { defineCache, defineCommand, defineSpace, Type } from '../../core/define.ts'
import { defineEvent } from '../../core/define-event.ts'
import { defineReaction } from '../../core/define-reaction.ts'
import type { AnyCache, CacheOptions } from '../../core/transaction.ts'
import { readableCaches, readableNotice } from '../request/readable-caches.ts'
import { createHttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'

const schema = Type.Object({
  id: Type.String(),
  status: Type.String(),
  owner: Type.Optional(Type.String()),
})

type Readable = CacheOptions<typeof schema, never>['readable']

function cacheOf(name: string, readable?: Readable): AnyCache {
  return defineCache(name, { schema, key: 'id', ...(readable === undefined ? {} : { readable }) })
}

function open(caches: readonly AnyCache[], undeclaredReadable?: boolean) {
  const put = defineCommand('put', {
    input: schema,
    handler: (tx, value) => {
      for (const cache of caches) tx.put(cache, value)
    },
  })
  const space = defineSpace('desk', { caches, commands: [put] })
  const app = createHttpServer([new MemoryServing('desk-1', space)], {
    log: { error: () => {} },
    ...(undeclaredReadable === undefined ? {} : { undeclaredReadable }),
  })
  onTestFinished(() => app.close())
  const entry = { id: 'a', status: 'held', owner: 'secret' }
  const write = () => app.inject({ method: 'POST', url: '/desk/commands/put', payload: entry })
  const read = (cache: string, key = 'a') => app.inject({ url: `/desk/caches/${cache}/${key}` })
  return { app, space, write, read, entry }
}

describe('what callers may read of a cache', () => {
  test('is what it declares; the others of its space are unknown to them', async () => {
    const caches = [cacheOf('open', true), cacheOf('part', ['id', 'status']), cacheOf('own')]
    const { write, read, entry, app } = open([...caches, cacheOf('shut', false)])
    await write()
    expect((await read('open')).json().value).toEqual(entry)
    expect((await read('part')).json().value).toEqual({ id: 'a', status: 'held' })
    for (const name of ['own', 'shut'])
      for (const key of ['a', 'missing']) {
        const answer = await read(name, key)
        expect(answer.statusCode).toBe(404)
        expect(answer.json()).toMatchObject({
          code: 'unknown_cache',
          error: { known: ['open', 'part'] },
        })
      }
    expect((await read('open', 'missing')).json()).toMatchObject({ code: 'not_found' })
    const { paths, components } = (await app.inject({ url: '/openapi.json' })).json()
    expect(Object.keys(paths)).toEqual([
      '/desk/commands/put',
      '/desk/caches/open/{key}',
      '/desk/caches/open/{key}/history',
      '/desk/archive/open/{key}',
      '/desk/caches/part/{key}',
      '/desk/caches/part/{key}/history',
      '/desk/archive/part/{key}',
      '/desk/events',
    ])
    const shown = paths['/desk/caches/part/{key}'].get.responses[200]
    const { value } = shown.content['application/json'].schema.properties
    expect(value).toEqual({ $ref: '#/components/schemas/desk.part' })
    expect(Object.keys(components.schemas['desk.part'].properties)).toEqual(['id', 'status'])
  })

  test('a field that an entry does not have is not made up', async () => {
    const { app, read } = open([cacheOf('part', ['owner', 'id'])])
    const payload = { id: 'a', status: 'free' }
    await app.inject({ method: 'POST', url: '/desk/commands/put', payload })
    expect((await read('part')).json().value).toEqual({ id: 'a' })
  })

  test('is everything in a space that declares nothing while developing, nothing in production', async () => {
    const developing = open([cacheOf('own')])
    await developing.write()
    expect((await developing.read('own')).statusCode).toBe(200)
    const inProduction = open([cacheOf('own')], false)
    await inProduction.write()
    expect((await inProduction.read('own')).json()).toMatchObject({ code: 'unknown_cache' })
  })

  test('is everything beside the outbox in a space with reactions that declares nothing', () => {
    const put = defineCommand('put', { input: schema, handler: () => {} })
    const reactions = [
      defineReaction('again', {
        on: defineEvent('Put', schema),
        command: put,
        input: (payload) => payload,
      }),
    ]
    const space = defineSpace('desk', { caches: [cacheOf('own')], commands: [put], reactions })
    expect([...readableCaches(space, true).keys()]).toEqual(['own'])
    expect([...readableCaches(space, false).keys()]).toEqual([])
    expect(readableNotice(space, true)).toContain('anyone can read')
  })

  test('whoever starts a space that declares nothing is told what that means', () => {
    const undeclared = open([cacheOf('own')]).space
    expect(readableNotice(undeclared, true)).toContain('anyone can read')
    expect(readableNotice(undeclared, false)).toContain('nobody can read')
    const declared = open([cacheOf('own'), cacheOf('shut', false)]).space
    expect(readableNotice(declared, true)).toBeUndefined()
    expect(readableCaches(declared, true)).toEqual(new Map())
  })

  test('names fields of the schema, at least one', () => {
    const wrong: readonly (readonly string[])[] = [[], ['nothing'], ['id', 'toString']]
    for (const readable of wrong)
      expect(() => cacheOf('own', readable as Readable)).toThrow(/^cache own: readable names/)
  })
})
