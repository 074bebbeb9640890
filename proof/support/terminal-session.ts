import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitFor } from './wait-for.ts'

/** A command of a page, with what the page shows of its output. */
export interface ShownCommand {
  readonly command: string
  readonly output: readonly string[]
}

/** `$ command`, continued with `\`, and the lines after it up to the next one. */
export function commandsIn(text: string): ShownCommand[] {
  const commands: { command: string; output: string[] }[] = []
  const lines = text.trimEnd().split('\n')
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at] ?? ''
    if (!line.startsWith('$ ')) {
      const last = commands.at(-1)
      if (last === undefined) throw new Error(`output of no command: ${line}`)
      last.output.push(line)
      continue
    }
    while (line.endsWith('\\')) line = `${line}\n${lines[++at] ?? ''}`
    commands.push({ command: line.slice(2), output: [] })
  }
  for (const { output } of commands) while (output.at(-1) === '') output.pop()
  return commands
}

/**
 * Output as a page shows it: long numbers, ids, positions and the width of columns are those of one
 * run, `…` stands for whatever is there, at the end for the rest of it.
 */
export function outputPattern(lines: readonly string[]): RegExp {
  const parts = lines.map((line) => {
    if (line === '…') return '[^]*?'
    return line
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/"(position|version)":\d+/g, '"$1":\\d+')
      .replaceAll(/"(\w*[iI]d)":"[\w-]{22}"/g, '"$1":"[\\w-]{22}"')
      .replaceAll(/\d{4,}/g, '\\d+')
      .replaceAll(/ {2,}/g, ' +')
      .replaceAll('…', '.*')
  })
  return new RegExp(parts.join('\n').replaceAll('[^]*?\n', '[^]*?').replaceAll('\n[^]*?', '[^]*?'))
}

const commandMsMax = 240_000
/** What a reader's machine has as well, where it has it: caches, and a proxy to the registries. */
const passedOn = [
  ...['XDG_CACHE_HOME', 'NODE_EXTRA_CA_CERTS'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
]

/** A shell in which the commands of a page are given one after the other, as its reader does. */
export class TerminalSession {
  readonly #shell: ChildProcess
  #said = ''
  #given = 0

  /** @param variables beside PATH, HOME and what the network asks for */
  constructor(folder: string, variables: Readonly<Record<string, string>>) {
    const { HOME = '', PATH = '', SPACEGRID_CACHE = '' } = process.env
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      env: {
        HOME,
        PATH: `${dirname(process.execPath)}:${PATH}`,
        SPACEGRID_CACHE,
        ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])),
        ...variables,
      },
      // A group of its own: whatever it has started ends with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    reapWithThisProcess(-(this.#shell.pid ?? 0))
    for (const output of [this.#shell.stdout, this.#shell.stderr])
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text
      })
  }

  /**
   * Gives a command, waits for its end (in the background: for its output), and compares what it
   * has said.
   */
  async run({ command, output }: ShownCommand): Promise<void> {
    const from = this.#said.length
    const end = `@@${++this.#given}:`
    this.#shell.stdin?.write(`${command}\necho "${end}$?@@"\n`)
    const pattern = outputPattern(output)
    const said = () => this.#said.slice(from)
    const ended = new RegExp(`${end}(\\d+)@@`)
    const isDone = () => ended.test(said()) && (!command.endsWith('&') || pattern.test(said()))
    await waitFor(isDone, { what: command, timeoutMs: commandMsMax }).catch((error) => {
      throw new Error(`${error.message}\nexpected ${pattern}\nsaid:\n${said()}`)
    })
    const code = Number(ended.exec(said())?.[1])
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${said()}`)
    if (!pattern.test(said())) throw new Error(`${command}:\nexpected ${pattern}\nsaid:\n${said()}`)
  }

  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#shell
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    process.kill(-pid, 'SIGTERM')
    await once(this.#shell, 'exit')
  }
}
