import { expect, it } from 'vitest'
import { isLoopback } from './loopback.ts'

it.each([
  'http://127.0.0.1:8080',
  'http://127.8.9.1',
  'http://localhost',
  'http://grid.localhost:1',
  'http://[::1]:8080',
  'http://2130706433',
])('%s is this machine', (url) => {
  expect(isLoopback(new URL(url))).toBe(true)
})

it.each([
  'http://10.0.0.1',
  'http://0.0.0.0:8080',
  'http://127.0.0.1.example.org',
  'http://localhost.example.org',
  'http://[::ffff:7f00:1]',
  'http://127.0.0.1@example.org',
])('%s may be another machine', (url) => {
  expect(isLoopback(new URL(url))).toBe(false)
})
