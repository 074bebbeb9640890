import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { BrokenCopy } from './proof/broken-copy.ts'
import { type Rule, rules } from './proof/rules.ts'

const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
const vitest = 'node_modules/vitest/vitest.mjs'
/** One check of one rule; a correct grid takes a fraction of it. */
const checkMsMax = 10 * 60_000

interface Options {
  readonly seeds: number
  readonly only: string
  readonly list: boolean
}

/** What has caught a broken rule; undefined: nothing. */
async function catcherOf(copy: BrokenCopy, rule: Rule, seeds: number): Promise<string | undefined> {
  const simulated = await copy.run(
    'simulator/main.ts',
    ['--seeds', String(seeds), '--from', '1', '--no-shrink'],
    checkMsMax,
  )
  if (simulated.failed) {
    const seed = /seed (\d+)/.exec(simulated.output)?.[1]
    return seed === undefined ? 'the simulator' : `the simulator, seed ${seed}`
  }
  for (const path of rule.tests ?? []) {
    const tested = await copy.run(vitest, ['run', path], checkMsMax)
    if (tested.failed) return path
  }
  return undefined
}

async function prove({ seeds, only, list }: Options): Promise<void> {
  const chosen = rules.filter(({ name }) => name.includes(only))
  if (list) {
    for (const { name, file } of chosen) process.stdout.write(`${name} (${file})\n`)
    return
  }
  await using copy = await BrokenCopy.of(root)
  process.stdout.write('With every rule in place: ')
  const whole = await copy.run(
    'simulator/main.ts',
    ['--seeds', String(seeds), '--from', '1'],
    checkMsMax,
  )
  if (whole.failed) {
    process.stdout.write(`not clean\n${whole.output}\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`${seeds} seeds clean\n`)
  let missed = 0
  for (const rule of chosen) {
    const mend = await copy.break(rule)
    const catcher = await catcherOf(copy, rule, seeds)
    await mend()
    if (catcher === undefined) missed++
    process.stdout.write(
      `${catcher === undefined ? 'MISSED' : 'caught'}  ${rule.name}: ${catcher ?? 'nothing noticed'}\n`,
    )
  }
  process.stdout.write(`${chosen.length - missed} of ${chosen.length} broken rules caught\n`)
  if (missed > 0) process.exitCode = 1
}

const whole = (text: string) => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return number
}

const command = new Command('npm run prove --')
  .description(
    'Breaks the rules of the design one by one, in a copy of the repository, and shows what catches each: the simulator, or a test.',
  )
  .option('--seeds <number>', 'seeds that the simulator may take for each', whole, 300)
  .option('--only <text>', 'only rules whose name contains this', '')
  .option('--list', 'only list the rules', false)
  .exitOverride()
  .action(prove)

try {
  await command.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  throw error
}
