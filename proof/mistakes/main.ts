import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ruleOf } from '@spacegrid/proof/simulator/shrink'
import { catchStrayErrors } from '@spacegrid/proof/simulator/try-run'
import { Command, InvalidArgumentError } from 'commander'
import { catalogue } from './catalogue.ts'
import { search, seedsFrom } from './search.ts'

interface Options {
  readonly seeds: number
  readonly from: number
  readonly only?: string
  readonly clean: boolean
  readonly save: boolean
}

const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

const command = new Command('npm run mistakes --')
  .description('Looks for every planted mistake, and says which seed finds it.')
  .option('--seeds <number>', 'how many to look through, at most', wholeNumber, 1000)
  .option('--from <seed>', 'the first of them', wholeNumber, 1)
  .option('--only <name>', 'just this mistake')
  .option('--clean', 'the same spaces without their mistakes: nothing must be found', false)
  .option('--save', 'write the seeds that have found them beside this program', false)

async function main({ seeds, from, only, clean, save }: Options): Promise<number> {
  const found: Record<string, number> = {}
  const mistakes = catalogue.filter(({ name }) => only === undefined || name === only)
  let wrong = 0
  for (const mistake of mistakes) {
    const startedAt = performance.now()
    const hit = await search(mistake, !clean, seedsFrom(from, seeds))
    const isRight =
      hit !== undefined && (mistake.rules as readonly string[]).includes(ruleOf(hit.problem))
    if (clean ? hit !== undefined : !isRight) wrong++
    if (isRight) found[mistake.name] = hit.seed
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const told = hit ? `seed ${hit.seed}, ${hit.problem}` : 'nothing was found'
    process.stdout.write(`${mistake.name.padEnd(18)} ${seconds.padStart(6)} s  ${told}\n`)
  }
  const right = mistakes.length - wrong
  const share = ((100 * right) / mistakes.length).toFixed(1)
  const what = clean ? 'clean' : `found within ${seeds} seeds from ${from}`
  process.stdout.write(`${right} of ${mistakes.length} ${what}: ${share} %\n`)
  if (save)
    await writeFile(
      fileURLToPath(new URL('./found-by.json', import.meta.url)),
      `${JSON.stringify(found, null, 2)}\n`,
    )
  return wrong > 0 ? 1 : 0
}

catchStrayErrors()
process.exit(await main(command.parse().opts<Options>()))
