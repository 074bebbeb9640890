import { GridError } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { Command } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure } from '../command-line/failure.ts'
import { whole } from '../command-line/option-values.ts'
import { ReactionsDesk } from '../reactions/reactions-desk.ts'
import { linesText, shownText } from '../reactions/reactions-text.ts'

interface Where {
  readonly space?: string
  readonly url?: string
  readonly json?: boolean
}

const say = (text: string): void => void process.stdout.write(text)
const sayJson = (value: unknown): void => say(`${JSON.stringify(value, null, 2)}\n`)

async function atDesk(
  { space, url }: Where,
  work: (desk: ReactionsDesk) => Promise<void>,
): Promise<void> {
  try {
    const desk = await ReactionsDesk.open(readEnvironment(), space, url)
    try {
      await work(desk)
    } finally {
      await desk.close()
    }
  } catch (error) {
    if (!(error instanceof GridError)) throw error
    throw new Failure(error.message, error.code === 'configuration_invalid' ? 2 : 1)
  }
}

async function list(
  options: Where & { readonly all?: boolean; readonly limit: number },
): Promise<void> {
  await atDesk(options, async (desk) => {
    const found = await desk.list(options.all ? 'all' : 'dead', options.limit)
    if (options.json) return sayJson(found)
    const { entries, total } = found
    const looked = `looked in ${desk.spaces.join(', ')}`
    if (entries.length === 0)
      return say(
        options.all
          ? `Nothing is waiting (${looked}).\n`
          : `There is no dead letter (${looked}).\n`,
      )
    say(linesText(entries))
    if (total > entries.length) say(`… ${total - entries.length} more: --limit\n`)
  })
}

async function show(id: string, options: Where): Promise<void> {
  await atDesk(options, async (desk) => {
    const shown = await desk.show(id)
    if (options.json) sayJson(shown)
    else say(shownText(shown))
  })
}

/** What is asked for at a time: each is a transaction. */
const changedMax = 1000

async function change(
  what: 'replay' | 'drop',
  ids: readonly string[],
  options: Where & { readonly all?: boolean },
  command: Command,
): Promise<void> {
  if (options.all ? ids.length > 0 : ids.length === 0)
    command.error(`error: say which (ID …)${what === 'replay' ? ', or --all' : ''}`)
  await atDesk(options, async (desk) => {
    const meant = options.all
      ? (await desk.list('dead', changedMax)).entries
          .filter(({ state }) => state === 'dead')
          .map(({ id }) => id)
      : ids
    const { done, not } = await desk.change(what, meant)
    if (options.json) sayJson({ done, not })
    else {
      const count = `${done.length} dead ${done.length === 1 ? 'letter is' : 'letters are'}`
      say(what === 'replay' ? `${count} tried again.\n` : `${count} dropped.\n`)
      if (not.length > 0) process.stderr.write(`No dead letter (any more): ${not.join(', ')}\n`)
    }
    if (not.length > 0) process.exitCode = 1
  })
}

const placed = (command: Command): Command =>
  command
    .option('--space <name>', 'the space that declares them (default: all of the grid)')
    .option('--url <address>', 'administration address of an embedded grid (npx spacegrid start)')
    .option('--json', 'as JSON')

export const addReactions: AddCommand = (program) => {
  const reactions = program
    .command('reactions')
    .description('What reactions and processes could not do: look at it, try it again, drop it.')
    .addHelpText(
      'after',
      `
A dead letter is what was refused and has no onRejected or compensation, what has failed too often, and what a faulty callback has been given.
It stays in the outbox of its space until it is replayed (from where it stood) or dropped (nothing is done, nothing compensated).

Asks the units of NATS_URL, else of the cluster of DATA_DIR/cluster.json; else the embedded grid on ADMIN_PORT.
Exit code: 0 done, 1 not found or not done, 2 wrong usage or configuration.`,
    )
  placed(reactions.command('list').description('dead letters, the oldest first'))
    .option('--all', 'what is waiting too')
    .option('--limit <number>', 'so many at most', whole(1, 10_000), 100)
    .action(list)
  placed(reactions.command('show').description('one of them, in full').argument('<id>')).action(
    show,
  )
  placed(
    reactions
      .command('replay')
      .description('tries dead letters again, from where they stood')
      .argument('[id...]'),
  )
    .option('--all', `all dead letters (${changedMax} at a time)`)
    .action((ids: string[], options, command) => change('replay', ids, options, command))
  placed(
    reactions
      .command('drop')
      .description('gives them up: nothing is done, nothing compensated')
      .argument('<id...>'),
  ).action((ids: string[], options, command) => change('drop', ids, options, command))
}
