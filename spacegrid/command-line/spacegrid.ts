import { Command } from 'commander'
import type { AddCommand } from './add-command.ts'
import { stopWithNpm } from './npm-parent.ts'
import { ownVersion } from './own-package.ts'
import { prepared, runCommand } from './run-command.ts'

interface CommandEntry {
  readonly name: string
  readonly summary: string
  /**
   * What a command works with is loaded when it is called: `--help` of all of them must be quick.
   */
  readonly load: () => Promise<AddCommand>
}

/** Every command, in the order of `--help`. Each is one file of `commands/`. */
const groups: Readonly<Record<string, readonly CommandEntry[]>> = {
  'To develop:': [
    {
      name: 'init',
      summary: 'make a new project: a space, its test, its compose file',
      load: async () => (await import('../commands/init.ts')).addInit,
    },
    {
      name: 'start',
      summary: 'serve spaces from this one process, data on disk, no server needed',
      load: async () => (await import('../commands/start.ts')).addStart,
    },
    {
      name: 'check',
      summary: 'say what is wrong with a definition, before anything runs',
      load: async () => (await import('../commands/check.ts')).addCheck,
    },
    {
      name: 'simulate',
      summary: 'run whole grids in virtual time, under every fault',
      load: async () => (await import('../commands/simulate.ts')).addSimulate,
    },
    {
      name: 'load',
      summary: 'send users to a grid, measure, and audit what they bought',
      load: async () => (await import('../commands/load.ts')).addLoad,
    },
  ],
  'On this machine:': [
    {
      name: 'cluster',
      summary: 'the grid as separate processes, on real servers',
      load: async () => (await import('../commands/cluster.ts')).addCluster,
    },
    {
      name: 'servers',
      summary: 'just the local NATS, MongoDB and Redis: up, down, status',
      load: async () => (await import('../commands/servers.ts')).addServers,
    },
  ],
  'Roles, each a process (settings: its environment):': [
    {
      name: 'unit',
      summary: 'processing unit: serves spaces from memory',
      load: async () => (await import('../commands/unit.ts')).addUnit,
    },
    {
      name: 'data-pump',
      summary: 'melds the log and publishes its changes',
      load: async () => (await import('../commands/data-pump.ts')).addDataPump,
    },
    {
      name: 'data-writer',
      summary: 'stores what has changed in MongoDB',
      load: async () => (await import('../commands/data-writer.ts')).addDataWriter,
    },
    {
      name: 'data-reader',
      summary: 'answers from MongoDB, and keeps watch over it',
      load: async () => (await import('../commands/data-reader.ts')).addDataReader,
    },
    {
      name: 'waiting-room',
      summary: 'gives visitors places in line, and lets in who is next',
      load: async () => (await import('../commands/waiting-room.ts')).addWaitingRoom,
    },
    {
      name: 'console',
      summary: 'a page that shows the grid living',
      load: async () => (await import('../commands/console.ts')).addConsole,
    },
    {
      name: 'deployment-manager',
      summary: 'adds processing units before they are missed',
      load: async () => (await import('../commands/deployment-manager.ts')).addDeploymentManager,
    },
  ],
  'To operate:': [
    {
      name: 'keys',
      summary: 'keys, passwords and certificates of a closed grid, and API keys of callers',
      load: async () => (await import('../commands/keys.ts')).addKeys,
    },
    {
      name: 'audit',
      summary: 'compare every copy of a space in full, while it runs',
      load: async () => (await import('../commands/audit.ts')).addAudit,
    },
    {
      name: 'claim',
      summary: 'sign the right to a place in a lane of the waiting room',
      load: async () => (await import('../commands/claim.ts')).addClaim,
    },
    {
      name: 'quarantine',
      summary: 'entries that MongoDB refuses: look at them, repair, store them',
      load: async () => (await import('../commands/quarantine.ts')).addQuarantine,
    },
    {
      name: 'reactions',
      summary: 'what reactions could not do: look at it, try it again, drop it',
      load: async () => (await import('../commands/reactions.ts')).addReactions,
    },
    {
      name: 'log',
      summary: 'what a record of the log is, and the way past one',
      load: async () => (await import('../commands/log.ts')).addLog,
    },
    {
      name: 'placement',
      summary: 'which unit keeps which partition, what moves and what is missing',
      load: async () => (await import('../commands/placement.ts')).addPlacement,
    },
    {
      name: 'scaling',
      summary: 'what the deployment manager has decided, and why',
      load: async () => (await import('../commands/scaling.ts')).addScaling,
    },
    {
      name: 'repartition',
      summary: 'move a stopped space to another number of partitions',
      load: async () => (await import('../commands/repartition.ts')).addRepartition,
    },
    {
      name: 'backup',
      summary: 'copy spaces, with all they were, into a folder, while the grid runs',
      load: async () => (await import('../commands/backup.ts')).addBackup,
    },
    {
      name: 'restore',
      summary: 'make spaces again what they were at any moment of a backup',
      load: async () => (await import('../commands/restore.ts')).addRestore,
    },
    {
      name: 'export',
      summary: 'write the entries of a space as NDJSON',
      load: async () => (await import('../commands/export.ts')).addExport,
    },
    {
      name: 'import',
      summary: 'put entries of NDJSON files into a space, through its log',
      load: async () => (await import('../commands/import.ts')).addImport,
    },
    {
      name: 'recover',
      summary: 'the way back when the log or the store has been lost',
      load: async () => (await import('../commands/recover.ts')).addRecover,
    },
  ],
}

/** The command line of the package. */
export async function spacegrid(words: readonly string[]): Promise<void> {
  stopWithNpm()
  const program = prepared(new Command('spacegrid'))
    .description('A space-based in-memory data grid with CQRS.')
    .version(ownVersion(), '-v, --version')
    .addHelpText(
      'after',
      `
npx spacegrid COMMAND --help tells the rest. Exit code: 0 done, 1 it did not hold or was not done, 2 wrong usage or configuration.`,
    )
  const called = calledOf(words)
  for (const [group, entries] of Object.entries(groups)) {
    program.commandsGroup(group)
    for (const { name, summary, load } of entries) {
      if (name === called) (await load())(program)
      else program.command(name).summary(summary)
    }
  }
  await runCommand(program, words)
}

/**
 * `spacegrid audit --json`, `spacegrid help audit`. The program itself has no option that takes a
 * value.
 */
function calledOf(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'))
  return first === 'help' ? second : first
}
