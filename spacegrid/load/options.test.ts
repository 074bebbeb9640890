import { Command, CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { prepared } from '../command-line/run-command.ts'
import { addLoadOptions, checkLoadOptions, type LoadOptions } from './options.ts'

function commandOf(write: (text: string) => void): { command: Command; parsed: LoadOptions[] } {
  const parsed: LoadOptions[] = []
  const command = prepared(new Command('load'))
  command.configureOutput({ writeOut: write, writeErr: write })
  addLoadOptions(command).action((options: LoadOptions) => {
    checkLoadOptions(command, options)
    parsed.push(options)
  })
  return { command, parsed }
}

function refusal(...argv: string[]): { exitCode: number; text: string } {
  let text = ''
  const { command } = commandOf((written) => {
    text += written
  })
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode, text }
    throw error
  }
  throw new Error(`Accepted: ${argv.join(' ')}`)
}

function parse(...argv: string[]): LoadOptions {
  const { command, parsed } = commandOf(() => {})
  command.parse(argv, { from: 'user' })
  return parsed[0] as LoadOptions
}

describe('options of load', () => {
  it('has a default for everything that needs a value', () => {
    const options = parse()
    expect(options.url).toBeUndefined()
    // What is shed is to be seen.
    expect(options).toMatchObject({ retries: 0, retryBudget: 100, threshold: [], status: [] })
    expect(options).toMatchObject({ application: 'ticketing', profile: 'steady', rate: 50 })
    expect(options).toMatchObject({ events: 1, hot: 0.3 })
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
      exitCode: 1,
      text: 'error: --url http://10.1.2.3/ is not this machine; add --allow-remote if you may load it\n',
    })
    expect(parse('--url', 'http://10.1.2.3', '--allow-remote').url?.hostname).toBe('10.1.2.3')
  })

  it.each([
    ['--rate', 'fast'],
    ['--rate', '0'],
    ['--duration', '100000'],
    ['--users', '1.5'],
    ['--confirm', '2'],
    ['--events', '0'],
    ['--hot', '1.1'],
    ['--url', 'ftp://127.0.0.1'],
    ['--profile', 'nonsense'],
    ['--application', 'nonsense'],
    ['--profile', 'trace'],
    ['--trace', 'file.csv'],
    ['--peak', '7'],
    ['--threshold', 'p99'],
    ['--threshold', 'p99<100'],
    ['--threshold', 'p98<100ms'],
    ['--threshold', 'shed<1ms'],
    ['--status', 'nowhere'],
    ['--nonsense'],
    ['stray'],
  ])('refuses %s %s with one line', (...argv) => {
    const { exitCode, text } = refusal(...argv)
    // What is not 0 ends the program with 2.
    expect(exitCode).not.toBe(0)
    expect(text).toMatch(/^error: .+\n$/)
  })

  it('collects thresholds and addresses', () => {
    const options = parse(
      ...['--threshold', 'p99 < 0.1s', '--threshold', 'confirmHold:failed=0'],
      ...['--status', 'http://127.0.0.1:9090', '--status', 'http://127.0.0.1:9091/status'],
    )
    expect(options.threshold).toEqual([
      {
        ...{ text: 'p99 < 0.1s', operation: undefined },
        ...{ metric: 'p99', comparison: '<', value: 100, unit: 'ms' },
      },
      {
        ...{ text: 'confirmHold:failed=0', operation: 'confirmHold' },
        ...{ metric: 'failed', comparison: '=', value: 0, unit: '' },
      },
    ])
    expect(options.status).toEqual(['http://127.0.0.1:9090', 'http://127.0.0.1:9091'])
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
