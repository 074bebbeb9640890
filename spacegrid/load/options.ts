import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ArrivalProcess, arrivalProcesses } from './arrivals.ts'
import { isLoopback } from './loopback.ts'
import {
  defaultDurationSeconds,
  defaultPeakFactor,
  type ProfileName,
  profileNames,
} from './profiles.ts'
import { type ApplicationName, applicationNames, type BuiltInOptions } from './scenario/built-in.ts'
import { eventSeatsMax } from './ticketing/event-layout.ts'
import { parseThreshold, type Threshold } from './verdict/threshold.ts'

export interface LoadOptions extends BuiltInOptions {
  /** Undefined: the grid is looked for. */
  readonly url?: URL
  readonly status: readonly string[]
  readonly allowRemote: boolean
  readonly header: Readonly<Record<string, string>>
  readonly application: ApplicationName
  /** A module that exports one, in place of an application that comes along. */
  readonly scenario?: string
  readonly profile: ProfileName
  readonly rate: number
  readonly peak?: number
  readonly duration?: number
  readonly users?: number
  readonly trace?: string
  readonly speedup: number
  readonly arrivals: ArrivalProcess
  readonly seed: number
  readonly maxArrivals: number
  readonly maxOpen: number
  readonly timeout: number
  readonly retries: number
  readonly retryBudget: number
  readonly drain: number
  readonly think: number
  readonly threshold: readonly Threshold[]
  readonly compare?: string
  readonly k6?: string
  readonly report?: string
  readonly json?: string
}

/** An hour of arrivals: a longer run is many runs. */
const durationSecondsMax = 3600

/**
 * Adds the options to a command. Each is checked on its own while it is read; `checkLoadOptions`
 * checks what concerns several at once.
 */
export function addLoadOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where the grid answers (looked for without it: see below)', parseUrl)
    .addOption(
      new Option(
        '--status <url>',
        'administration port of a process of the grid, whose figures stand beside the users’; repeatable (those that are found)',
      )
        .argParser((text, before: readonly string[]) => [...before, parseUrl(text).origin])
        .default([], 'those that are found'),
    )
    .option('--allow-remote', 'allow a URL that is not this machine', false)
    .addOption(
      new Option('--header <name: value>', 'send with every request; repeatable')
        .argParser(parseHeader)
        .default({}, 'none'),
    )
    .addOption(choice('--application <name>', 'what the users do', applicationNames, 'ticketing'))
    .addOption(
      new Option(
        '--scenario <file>',
        'users of your own application: a module that exports a scenario (docs/load.md)',
      ).conflicts('application'),
    )
    .addOption(choice('--profile <name>', 'how the rate changes', profileNames, 'steady'))
    .option('--rate <users/s>', 'arrivals per second in ordinary times', number(0.01, 100_000), 50)
    .option(
      '--peak <users/s>',
      `arrivals per second at the peak (ramp, spike, on-sale: ${defaultPeakFactor} times the rate; trace: scales its busiest second)`,
      number(0.01, 100_000),
    )
    .option(
      '--duration <seconds>',
      `length of the arrivals (${defaultDurationSeconds}; trace: all of it)`,
      number(1, durationSecondsMax),
    )
    .option('--users <count>', 'distinct users (every arrival another one)', whole(1, 10_000_000))
    .option('--trace <file>', 'CSV second,requests, or a common or combined access log')
    .option('--speedup <factor>', 'plays a trace this many times as fast', number(0.01, 1000), 1)
    .addOption(choice('--arrivals <process>', 'spacing of arrivals', arrivalProcesses, 'poisson'))
    .option('--seed <number>', 'same seed, same users at the same moments', whole(0, 2 ** 31), 1)
    .option('--max-arrivals <count>', 'refuse to start above this', whole(1, 1e8), 2_000_000)
    .option('--max-open <count>', 'requests open at once', whole(1, 20_000), 2048)
    .option(
      '--timeout <seconds>',
      'per attempt; the grid is told, and does not begin what cannot be in time',
      number(0.1, 300),
      10,
    )
    .option(
      '--retries <count>',
      'after 502, 503, 504 or no answer; without them what is shed is seen',
      whole(0, 20),
      0,
    )
    .option(
      '--retry-budget <tokens>',
      'bounds the retries of all users together, as a client’s does (0: no bound)',
      whole(0, 1e6),
      100,
    )
    .option('--drain <seconds>', 'wait for users after the last arrival', number(0, 600), 30)
    .option('--seats <count>', 'ticketing: seats of each event', whole(4, eventSeatsMax), 10_000)
    .option('--events <count>', 'ticketing: events, as many on sale at once', whole(1, 1000), 1)
    .option('--hot <share>', 'ticketing: users of the first of several events', number(0, 1), 0.3)
    .option('--browse <share>', 'users who only look', number(0, 1), 0.3)
    .option('--specific <share>', 'ticketing: buyers who choose seats', number(0, 1), 0.2)
    .option(
      '--confirm <share>',
      'holds that are confirmed; outbid users who bid again',
      number(0, 1),
      0.7,
    )
    .option('--think <seconds>', 'mean time before a user decides', number(0, 600), 1)
    .addOption(
      new Option('--threshold <rule>', 'p99<100ms, shed<1%, confirmHold:failed=0 …; repeatable')
        .argParser(collectThreshold)
        .default([], 'none'),
    )
    .option('--compare <file.json>', 'an earlier run: how this one differs from it')
    .option(
      '--k6 <file.js>',
      'send nobody: write the same users of ticketing as a script for k6, a second opinion',
    )
    .option('--report <file.html>', 'write a page with charts')
    .option('--json <file.json>', 'write every number')
}

export const notThisMachine = 'is not this machine; add --allow-remote if you may load it'

/** Ends the command with a line and exit code 2 when options do not go together. */
export function checkLoadOptions(command: Command, options: LoadOptions): void {
  const { url } = options
  if (url !== undefined && !options.allowRemote && !isLoopback(url))
    command.error(`error: --url ${url.href} ${notThisMachine}`)
  if (options.k6 !== undefined && (options.scenario ?? options.application) !== 'ticketing')
    command.error('error: --k6 writes the users of ticketing only')
  if (options.profile === 'trace' && options.trace === undefined) {
    command.error('error: --profile trace needs --trace FILE')
  }
  if (options.profile !== 'trace' && options.trace !== undefined) {
    command.error('error: --trace FILE is for --profile trace')
  }
  if (options.profile === 'steady' && options.peak !== undefined) {
    command.error('error: --peak is not for --profile steady')
  }
}

function choice(
  flags: string,
  description: string,
  values: readonly string[],
  byDefault: string,
): Option {
  return new Option(flags, description).choices(values).default(byDefault)
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Allowed is a number from ${least} to ${most}.`)
  }
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) {
      return value
    }
    throw new InvalidArgumentError(`Allowed is a whole number from ${least} to ${most}.`)
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new InvalidArgumentError('Allowed is an http or https URL.')
}

function collectThreshold(text: string, before: readonly Threshold[]): readonly Threshold[] {
  try {
    return [...before, parseThreshold(text)]
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function parseHeader(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const found = /^([\w-]+):\s*(.+)$/.exec(text)
  if (found === null) throw new InvalidArgumentError('Allowed is "Name: value".')
  return { ...before, [found[1]!.toLowerCase()]: found[2]! }
}
