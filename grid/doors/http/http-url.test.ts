import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { announcedUrl, httpUrl } from './http-url.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['grid.example', 'http://grid.example:8080'],
  ['::1', 'http://[::1]:8080'],
  ['fe80::1%eth0', 'http://[fe80::1%25eth0]:8080'],
  ['0.0.0.0', 'http://127.0.0.1:8080'],
  ['::', 'http://[::1]:8080'],
])('what listens on %s is reached at %s', (host, url) => {
  expect(httpUrl(host, 8080)).toBe(url)
})

test('what listens on every address is announced by the name of its host', () => {
  expect(announcedUrl('0.0.0.0', 8080)).toBe(`http://${hostname()}:8080`)
  expect(announcedUrl('127.0.0.1', 8080)).toBe('http://127.0.0.1:8080')
})
