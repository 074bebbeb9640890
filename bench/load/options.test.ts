import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { type LoadOptions, parseLoadOptions } from './options.ts'

function refusal(...argv: string[]): { exitCode: number; text: string } {
  let text = ''
  try {
    parseLoadOptions(argv, (written) => {
      text += written
    })
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode, text }
    throw error
  }
  throw new Error(`Accepted: ${argv.join(' ')}`)
}

const parse = (...argv: string[]): LoadOptions => parseLoadOptions(argv, () => {})

describe('parseLoadOptions', () => {
  it('has a default for everything that needs a value', () => {
    const { url, ...options } = parse()
    expect(url.href).toBe('http://127.0.0.1:8080/')
    expect(options).toMatchObject({ application: 'ticketing', profile: 'steady', rate: 50 })
  })

  it('reads every option of the contract', () => {
    const options = parse(
      ...'--url http://localhost:1 --application ticketing --profile trace --rate 5'.split(' '),
      ...'--peak 50 --duration 7 --users 9 --trace t.csv --speedup 10 --seed 3'.split(' '),
      ...'--report r.html --json j.json'.split(' '),
    )
    expect(options).toMatchObject({
      profile: 'trace',
      rate: 5,
      peak: 50,
      duration: 7,
      users: 9,
      trace: 't.csv',
      speedup: 10,
      seed: 3,
      report: 'r.html',
      json: 'j.json',
    })
  })

  it('refuses another machine unless that is allowed', () => {
    expect(refusal('--url', 'http://10.1.2.3')).toEqual({
      exitCode: 2,
      text: 'error: --url http://10.1.2.3/ is not this machine; add --allow-remote if you may load it\n',
    })
    expect(parse('--url', 'http://10.1.2.3', '--allow-remote').url.hostname).toBe('10.1.2.3')
  })

  it.each([
    ['--rate', 'fast'],
    ['--rate', '0'],
    ['--duration', '100000'],
    ['--users', '1.5'],
    ['--confirm', '2'],
    ['--url', 'ftp://127.0.0.1'],
    ['--profile', 'nonsense'],
    ['--application', 'nonsense'],
    ['--profile', 'trace'],
    ['--trace', 'file.csv'],
    ['--peak', '7'],
    ['--nonsense'],
    ['stray'],
  ])('refuses %s %s with one line and exit code 2', (...argv) => {
    const { exitCode, text } = refusal(...argv)
    expect(exitCode).toBe(2)
    expect(text).toMatch(/^error: .+\n$/)
  })

  it('collects headers', () => {
    const options = parse('--header', 'Authorization: Bearer x', '--header', 'X-A: b')
    expect(options.header).toEqual({ authorization: 'Bearer x', 'x-a': 'b' })
  })

  it('explains itself', () => {
    const { exitCode, text } = refusal('--help')
    expect(exitCode).toBe(0)
    expect(text).toContain('--speedup')
  })
})
