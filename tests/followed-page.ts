import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  commandsIn,
  type ShownCommand,
  TerminalSession,
} from '@spacegrid/proof/support/terminal-session'
import { findFreePort } from 'spacegrid/servers/free-port'

/** A file that the page shows, or a command with its output. */
type Step = { readonly name: string; readonly text: string } | ShownCommand

/** Of a page: its language, and what the comment before it says. */
interface Block {
  readonly language: string
  readonly text: string
  readonly note: string | undefined
}

const customaryPorts = ['8080', '9090']

/**
 * A page of the docs as its reader follows it, word for word but for the ports: files are written
 * into a folder and commands are given in the folder above, in the order of the page.
 */
export class FollowedPage implements AsyncDisposable {
  readonly #folder: string
  readonly #steps: Step[]
  readonly #terminal: TerminalSession

  private constructor(folder: string, steps: Step[], terminal: TerminalSession) {
    this.#folder = folder
    this.#steps = steps
    this.#terminal = terminal
  }

  /** @param home where commands are given first; files of the page are in `folder` there */
  static async open(page: readonly Block[], home: string, folder: string): Promise<FollowedPage> {
    const ports = await Promise.all(customaryPorts.map(async () => String(await findFreePort())))
    const here = (text: string) =>
      customaryPorts.reduce((it, port, at) => it.replaceAll(port, String(ports[at])), text)
    const steps: Step[] = []
    for (const { language, text, note } of page) {
      if (language === 'ts') {
        const [, name = ''] = /^\/\/ ([\w.-]+)/.exec(text) ?? []
        steps.push({ name, text: here(text) })
      }
      if (language === 'console' && note?.startsWith('run by'))
        steps.push(...commandsIn(here(text)))
    }
    const [PORT = '', ADMIN_PORT = ''] = ports
    const terminal = new TerminalSession(home, {
      ...{ PORT, ADMIN_PORT, NO_COLOR: '1' },
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    })
    return new FollowedPage(join(home, folder), steps, terminal)
  }

  /** @param last the command after which to pause; to the end of the page without it */
  async follow(last?: RegExp): Promise<number> {
    let given = 0
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      if ('name' in step) {
        await mkdir(this.#folder, { recursive: true })
        await writeFile(join(this.#folder, step.name), step.text)
        continue
      }
      await this.#terminal.run(step)
      given++
      if (last?.test(step.command)) break
    }
    return given
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#terminal.close()
  }
}
