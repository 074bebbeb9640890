import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { Access } from './access.ts'

const asked = (headers: Readonly<Record<string, string>>) =>
  ({ headers }) as unknown as IncomingMessage
const token = 'a token of sixteen or more'

test('without a token it is open to this machine, by its own names only', () => {
  const access = new Access({ token: undefined, host: '127.0.0.1' })
  expect(access.mode).toBe('open')
  for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080', '127.0.0.1'])
    expect(access.refuses(asked({ host })), host).toBeUndefined()
  for (const host of ['evil.example:8080', '127.0.0.1.evil.example', '10.0.0.1', ''])
    expect(access.refuses(asked({ host })), host).toMatchObject({ status: 403 })
})

test.each(['0.0.0.0', '::', '10.1.2.3', 'grid.example'])(
  'on %s it is closed without one',
  (host) => {
    const access = new Access({ token: undefined, host })
    expect(access.mode).toBe('closed')
    expect(access.refuses(asked({ host: 'localhost' }))).toMatchObject({ status: 403 })
    expect(access.signIn('')).toBe('wrong')
  },
)

test('with a token whoever has it is let in, by cookie or as a bearer', () => {
  const access = new Access({ token, host: '0.0.0.0' })
  expect(access.refuses(asked({ host: 'grid.example' }))).toMatchObject({ status: 401 })
  const session = access.signIn(token)
  if (typeof session === 'string') throw new Error(session)
  expect(session.cookie).toContain('HttpOnly; SameSite=Strict')
  const [cookie = ''] = session.cookie.split(';')
  const host = 'grid.example'
  expect(access.refuses(asked({ host, cookie }))).toBeUndefined()
  expect(access.refuses(asked({ host, cookie: `${cookie}x` }))).toMatchObject({ status: 401 })
  expect(access.refuses(asked({ host, authorization: `Bearer ${token}` }))).toBeUndefined()
  expect(access.refuses(asked({ host, authorization: 'Bearer another' }))).toMatchObject({
    status: 401,
  })
})

test('wrong tokens are heard out ten times a minute', () => {
  const access = new Access({ token, host: '0.0.0.0' })
  for (let at = 0; at < 10; at++) expect(access.signIn('wrong', 1000)).toBe('wrong')
  expect(access.signIn(token, 1000)).toBe('later')
  expect(access.signIn(token, 70_000)).toMatchObject({ cookie: expect.any(String) })
})

test('what changes something comes from its own page', () => {
  const access = new Access({ token: undefined, host: '127.0.0.1' })
  const host = 'localhost:8080'
  const page = { host, origin: 'http://localhost:8080', 'x-console-token': access.pageToken }
  expect(access.refusesChange(asked(page))).toBeUndefined()
  for (const other of [
    { ...page, origin: 'http://evil.example' },
    { ...page, origin: 'http://localhost:9999' },
    { ...page, origin: 'null' },
    { ...page, 'x-console-token': 'guessed' },
    { host, origin: page.origin },
    { host, 'x-console-token': access.pageToken },
  ])
    expect(access.refusesChange(asked(other))).toMatchObject({ status: 403 })
})

test('a program that has the token is no page', () => {
  const access = new Access({ token, host: '0.0.0.0' })
  const authorization = `Bearer ${token}`
  expect(access.refusesChange(asked({ host: 'grid', authorization }))).toBeUndefined()
})
