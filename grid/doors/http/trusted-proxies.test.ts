import { expect, test } from 'vitest'
import { trustedProxies } from './trusted-proxies.ts'

test('whoever is in a network is trusted, asked once or again, however many others ask', () => {
  const trusts = trustedProxies(['10.0.0.0/8', 'loopback'])
  const verdict = (address: string) => trusts?.(address, 0)
  for (const _ of [1, 2]) {
    for (let at = 0; at < 3000; at++) {
      expect(verdict(`10.7.${at >> 8}.${at & 255}`)).toBe(true)
      expect(verdict(`203.0.${at >> 8}.${at & 255}`)).toBe(false)
    }
    expect(verdict('::ffff:10.1.2.3')).toBe(true)
    expect(verdict('::1')).toBe(true)
    expect(verdict('unknown')).toBe(false)
  }
})

test('without any nobody is', () => {
  expect(trustedProxies([])).toBeUndefined()
})
