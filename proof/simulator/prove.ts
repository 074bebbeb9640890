import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { BrokenCopy } from './proof/broken-copy.ts'
import type { Rule } from './proof/rule.ts'
import { rules } from './proof/rules.ts'
import { simulated, tested, type Verdict } from './proof/verdict.ts'

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)))

interface Options {
  readonly seeds: number
  readonly jobs: number
  readonly only: string
  readonly list: boolean
}

/** Real drivers lie below the simulated ports: of them the simulator sees nothing. */
const isSimulated = ({ file }: Rule): boolean => !file.startsWith('grid/drivers/')

/**
 * What the simulator catches at all, it mostly catches in so few: then tests are quicker than all
 * the others.
 */
const firstSeeds = 60

/** The first thing that notices that a rule is broken. */
async function verdictOf(copy: BrokenCopy, rule: Rule, options: Options): Promise<Verdict> {
  const { seeds, jobs } = options
  const { tests = [] } = rule
  const first = !isSimulated(rule) ? 0 : tests.length === 0 ? seeds : Math.min(firstSeeds, seeds)
  const rest = isSimulated(rule) ? seeds : 0
  const checks = [
    () => simulated(copy, { from: 1, to: 1 + first, jobs }),
    ...tests.map((path) => () => tested(copy, [path])),
    () => simulated(copy, { from: 1 + first, to: 1 + rest, jobs }),
  ]
  for (const check of checks) {
    const verdict = await check()
    if (verdict.kind !== 'clean') return verdict
  }
  return { kind: 'clean' }
}

const words = { clean: 'MISSED', caught: 'caught', unfit: 'BROKEN MUTATION' } as const

async function prove(options: Options): Promise<void> {
  const chosen = rules.filter(({ name }) => name.includes(options.only))
  if (options.list) {
    for (const { name, file } of chosen) say(`${name} (${file})`)
    return
  }
  const startedAt = performance.now()
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`
  await using copy = await BrokenCopy.of(root)
  if (!(await isClean(copy, chosen, options))) return
  say(`With every rule in place everything is clean (${seconds()}).`)
  let caught = 0
  for (const [at, rule] of chosen.entries()) {
    const mend = await copy.break(rule)
    const verdict = await verdictOf(copy, rule, options)
    await mend()
    if (verdict.kind === 'caught') caught++
    const what =
      verdict.kind === 'clean' ? 'nothing noticed' : `${verdict.by}\n        ${verdict.how}`
    say(
      `${words[verdict.kind]}  ${rule.name} (${at + 1} of ${chosen.length}, ${seconds()}): ${what}`,
    )
  }
  say(`${caught} of ${chosen.length} broken rules caught in ${seconds()}`)
  if (caught < chosen.length) process.exitCode = 1
}

/** What fails without anything being broken proves nothing when something is. */
async function isClean(
  copy: BrokenCopy,
  chosen: readonly Rule[],
  options: Options,
): Promise<boolean> {
  const paths = [...new Set(chosen.flatMap(({ tests = [] }) => tests))]
  const { seeds, jobs } = options
  const verdicts = [await simulated(copy, { from: 1, to: 1 + seeds, jobs })]
  if (paths.length > 0) verdicts.push(await tested(copy, paths))
  const failed = verdicts.find(({ kind }) => kind !== 'clean')
  if (!failed || failed.kind === 'clean') return true
  say(`With every rule in place it is not clean: ${failed.by}\n        ${failed.how}`)
  process.exitCode = 1
  return false
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const command = new Command('npm run prove --')
  .description(
    'Breaks the rules of the design one by one, in a copy of the repository, and shows what catches each: the simulator, or a test.',
  )
  .option('--seeds <number>', 'seeds that the simulator may take for each', whole(1), 300)
  .option('--jobs <number>', 'processes of the simulator', whole(1), availableParallelism())
  .option('--only <text>', 'only rules whose name contains this', '')
  .option('--list', 'only list the rules', false)
  .action(prove)

await runCommand(command)
