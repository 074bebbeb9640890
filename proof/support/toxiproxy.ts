import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { cacheFolder } from 'spacegrid/servers/binary'
import { findFreePort } from 'spacegrid/servers/free-port'
import { buildWithGo } from 'spacegrid/servers/go-build'
import { madeOnce } from 'spacegrid/servers/made-once'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitFor } from './wait-for.ts'

const version = '2.12.0'
const module = 'github.com/Shopify/toxiproxy/v2/cmd/server'

/** What toxiproxy can do to a link; each with its attributes, in ms and KB/s. */
export type Toxic =
  | { readonly type: 'latency'; readonly latency: number; readonly jitter: number }
  | { readonly type: 'bandwidth'; readonly rate: number }
  /** Data is dropped silently, and after `timeout` ms the connection closed; 0: never. */
  | { readonly type: 'timeout'; readonly timeout: number }
  /** Connections are reset after `timeout` ms. */
  | { readonly type: 'reset_peer'; readonly timeout: number }

/**
 * Toxiproxy as a process: TCP links that can be cut, slowed and made half-open. It ends with this
 * process.
 */
export class Toxiproxy implements AsyncDisposable {
  readonly #url: string
  readonly #stop: () => void

  private constructor(url: string, stop: () => void) {
    this.#url = url
    this.#stop = stop
  }

  static async start(): Promise<Toxiproxy> {
    const port = await findFreePort()
    const child = spawn(await toxiproxyBinary(), ['-host', '127.0.0.1', '-port', `${port}`], {
      stdio: 'ignore',
    })
    const { pid = 0 } = child
    reapWithThisProcess(pid)
    child.once('exit', () => outlive(pid))
    const proxy = new Toxiproxy(`http://127.0.0.1:${port}`, () => child.kill('SIGKILL'))
    await waitFor(() => proxy.call('GET', '/version'), { what: 'toxiproxy' })
    return proxy
  }

  /** A link to a port of this machine. */
  async link(name: string, toPort: number): Promise<ProxiedLink> {
    const port = await findFreePort()
    await this.call('POST', '/proxies', {
      name,
      listen: `127.0.0.1:${port}`,
      upstream: `127.0.0.1:${toPort}`,
      enabled: true,
    })
    return new ProxiedLink(this, name, port)
  }

  async call(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(this.#url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok)
      throw new Error(`toxiproxy: ${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop()
  }
}

export class ProxiedLink {
  /** Whoever connects here comes through the proxy. */
  readonly port: number
  readonly #proxy: Toxiproxy
  readonly #path: string
  #toxics = 0

  constructor(proxy: Toxiproxy, name: string, port: number) {
    this.#proxy = proxy
    this.#path = `/proxies/${name}`
    this.port = port
  }

  /** Closes every connection, and refuses new ones. */
  async cut(): Promise<void> {
    await this.#proxy.call('POST', this.#path, { enabled: false })
  }

  async mend(): Promise<void> {
    await this.#proxy.call('POST', this.#path, { enabled: true })
  }

  /** In both directions, on connections that are open too. Returns what takes it away again. */
  async poison({ type, ...attributes }: Toxic): Promise<() => Promise<void>> {
    const names = ['upstream', 'downstream'].map((stream) => ({
      stream,
      name: `${type}-${stream}-${++this.#toxics}`,
    }))
    for (const { stream, name } of names)
      await this.#proxy.call('POST', `${this.#path}/toxics`, { name, type, stream, attributes })
    return async () => {
      for (const { name } of names) await this.#proxy.call('DELETE', `${this.#path}/toxics/${name}`)
    }
  }
}

/** Go builds toxiproxy. A person may do without the tests that need it, CI may not. */
export async function canHaveToxiproxy(): Promise<boolean> {
  try {
    await toxiproxyBinary()
    return true
  } catch (error) {
    if (process.env.CI === 'true')
      throw new Error('The tests need Go to build toxiproxy', { cause: error })
    const { message } = error as Error
    process.stderr.write(`!!! SKIPPING the tests on bad links to NATS: no toxiproxy: ${message}\n`)
    return false
  }
}

/**
 * Built from its sources, since Go's module proxy is reachable in more places than other downloads
 * are; Go checks what it fetches against its checksum database. Once per machine: half a minute,
 * kept in the cache folder.
 */
async function toxiproxyBinary(): Promise<string> {
  const folder = join(cacheFolder(), `toxiproxy-${version}-${process.platform}-${process.arch}`)
  const binary = join(folder, 'toxiproxy')
  await madeOnce(folder, 'toxiproxy', async (staging) => {
    process.stderr.write(
      `Building toxiproxy ${version} with Go into ${folder}: once, about half a minute, 16 MB\n`,
    )
    await buildWithGo(staging, `${module}@v${version}`, 'toxiproxy')
  })
  return binary
}
