import { describe, expect, test } from 'vitest'
import { cookieNameOf, cookiesOf, LinePasses, type PassKind } from './line-passes.ts'

const secret = 'a-secret-of-at-least-32-characters'
const other = 'another-one-of-at-least-32-characters'
const passes = new LinePasses([secret])
const pass = { line: 'ticketing/concert', lane: 'general', id: 17, until: 2000 }

describe('a pass', () => {
  test.each<PassKind>(['ticket', 'admission', 'claim'])('that was signed is read: %s', (kind) => {
    const text = passes.sign(kind, pass)
    expect(passes.read(kind, text, 1000)).toEqual(pass)
    expect(text).toMatch(/^[\w.-]+$/)
  })

  test('of one kind is none of another', () => {
    const ticket = passes.sign('ticket', pass)
    expect(passes.read('admission', ticket, 1000)).toBe('forged')
    expect(passes.read('admission', `a${ticket.slice(1)}`, 1000)).toBe('forged')
  })

  test('expires', () => {
    expect(passes.read('ticket', passes.sign('ticket', pass), 2000)).toBe('expired')
  })

  test('with any letter changed is forged', () => {
    const text = passes.sign('ticket', pass)
    for (let at = 0; at < text.length - 1; at++) {
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
      expect(passes.read('ticket', changed, 1000), `letter ${at}`).toBe('forged')
    }
  })

  test.each(['', '.', '...', 't.x.y.z', 'x'.repeat(5000), 't..e30.AA', 'é.é.é.é'])(
    'that is none is forged: %j',
    (text) => {
      expect(passes.read('ticket', text, 1000)).toBe('forged')
    },
  )

  test('of another key is forged, unless that key is taken too', () => {
    const text = new LinePasses([other]).sign('ticket', pass)
    expect(passes.read('ticket', text, 1000)).toBe('forged')
    expect(new LinePasses([secret, other]).read('ticket', text, 1000)).toEqual(pass)
  })

  test('is signed with the first key', () => {
    const rotated = new LinePasses([other, secret])
    expect(new LinePasses([other]).read('ticket', rotated.sign('ticket', pass), 1000)).toEqual(pass)
    expect(rotated.read('ticket', passes.sign('ticket', pass), 1000)).toEqual(pass)
  })
})

describe('cookies', () => {
  test('of one line are told from those of another', () => {
    const one = cookieNameOf('ticket', 'ticketing/concert')
    expect(one).not.toBe(cookieNameOf('ticket', 'ticketing/other'))
    const header = `a=b; ${one}=value; ${cookieNameOf('admission', 'x')}=admitted`
    expect(cookiesOf(header, `${one}=`)).toEqual(['value'])
    expect(cookiesOf(header, 'grid-admission-')).toEqual(['admitted'])
    expect(cookiesOf(undefined, one)).toEqual([])
  })
})
