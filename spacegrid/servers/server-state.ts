import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ServerName, serverNames } from './server-name.ts'

/**
 * What `DATA_DIR/servers.json` says about one server. It may be out of date: the process is looked
 * at, not believed.
 */
export interface ServerRecord {
  name: ServerName
  /** The last known process id. */
  pid: number
  /** The last port, taken again when it is free so that URLs stay as they were. */
  port: number
  url: string
}

/**
 * The local servers of one data folder, as last written down: a process found again after a crash
 * is in here.
 */
export class ServerState {
  readonly #file: string
  #records: ServerRecord[] = []

  private constructor(file: string) {
    this.#file = file
  }

  static async read(dataDirectory: string): Promise<ServerState> {
    const state = new ServerState(join(dataDirectory, 'servers.json'))
    const text = await readIfThere(state.#file)
    if (text !== undefined) state.#records = parse(text, state.#file)
    return state
  }

  get(name: ServerName): ServerRecord | undefined {
    return this.#records.find((record) => record.name === name)
  }

  /** Replaces one server's record, on disk too. */
  async put(record: ServerRecord): Promise<void> {
    const others = this.#records.filter(({ name }) => name !== record.name)
    const order = ({ name }: ServerRecord) => serverNames.indexOf(name)
    this.#records = [...others, record].sort((left, right) => order(left) - order(right))
    const text = `${JSON.stringify({ servers: this.#records }, null, 2)}\n`
    await mkdir(dirname(this.#file), { recursive: true })
    // Written beside and moved, so that a crash leaves the old file or the new one.
    const staging = `${this.#file}.${record.name}`
    await writeFile(staging, text)
    await rename(staging, this.#file)
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Node names no path when it is a folder that was to be read.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file })
  }
}

function parse(text: string, file: string): ServerRecord[] {
  try {
    const { servers } = JSON.parse(text) as { servers: ServerRecord[] }
    return servers.filter(({ name }) => serverNames.includes(name))
  } catch (error) {
    throw new Error(`${file} is not what was written there; remove it to start afresh`, {
      cause: error,
    })
  }
}
