import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface EngineContainer {
  readonly Id: string
  readonly name: string
  State: string
  Status: string
  readonly Labels: Readonly<Record<string, string>>
  /** As it was given to create it. */
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * A small server that follows the Docker Engine's published API (v1.43) as far as a driver of units
 * uses it, on a Unix socket as the Engine has it: list, inspect, create, start, stop, remove, with
 * their status codes. It runs nothing. No Engine is to be had where these tests are written; what a
 * real one does beyond its API they do not show.
 */
export class DockerEngine implements AsyncDisposable {
  readonly socketPath = join(
    tmpdir(),
    `engine-${process.pid}-${Math.random().toString(36).slice(2)}`,
  )
  readonly containers = new Map<string, EngineContainer>()
  /** Method and path of what was asked. */
  readonly asked: string[] = []
  /** Refuses everything with this. */
  failsWith: number | undefined
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #count = 0

  static async start(): Promise<DockerEngine> {
    const engine = new DockerEngine()
    engine.#server.listen(engine.socketPath)
    await once(engine.#server, 'listening')
    return engine
  }

  add(project: string, service: string, number: number, state = 'running'): EngineContainer {
    return this.#create(`${project}-${service}-${number}`, {
      Image: 'spacegrid',
      Cmd: ['node', 'main.ts'],
      Env: ['NATS_URL=nats://nats:4222'],
      Hostname: `host${number}`,
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.service': service,
        'com.docker.compose.container-number': String(number),
        'com.docker.compose.oneoff': 'False',
      },
      HostConfig: { Memory: 2 ** 31, ReadonlyRootfs: true, CapDrop: ['ALL'] },
      NetworkingConfig: { EndpointsConfig: { [`${project}_inside`]: {} } },
      state,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #create(name: string, body: Record<string, unknown>): EngineContainer {
    const Id = `${++this.#count}`.padStart(64, '0')
    const State = String(body.state ?? 'created')
    const Labels = body.Labels as Record<string, string>
    const Status = State === 'running' ? 'Up 2 minutes (healthy)' : 'Created'
    const container = { Id, name, State, Status, Labels, body }
    this.containers.set(Id, container)
    return container
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine')
    // The version of the API may stand before everything.
    const path = url.pathname.replace(/^\/v\d+\.\d+/, '')
    this.asked.push(`${request.method} ${path.replaceAll(/0{10,}/g, '')}`)
    const send = (status: number, body?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    if (this.failsWith !== undefined) return send(this.failsWith, { message: 'engine says no' })
    const [, id = '', what = ''] = /^\/containers\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? []
    if (request.method === 'GET' && id === 'json') return send(200, this.#list(url))
    if (request.method === 'POST' && id === 'create') {
      const name = url.searchParams.get('name') ?? ''
      if ([...this.containers.values()].some((one) => one.name === name))
        return send(409, { message: `Conflict. The container name "/${name}" is already in use` })
      const { Id } = this.#create(name, await bodyOf(request))
      return send(201, { Id, Warnings: [] })
    }
    const container = this.containers.get(id)
    if (!container) return send(404, { message: `No such container: ${id}` })
    switch (`${request.method} ${what}`) {
      case 'GET json':
        return send(200, inspected(container))
      case 'POST start':
        if (container.State === 'running') return send(304)
        container.State = 'running'
        container.Status = 'Up 1 second (health: starting)'
        return send(204)
      case 'POST stop':
        if (container.State !== 'running') return send(304)
        container.State = 'exited'
        container.Status = 'Exited (0) 1 second ago'
        return send(204)
      case 'DELETE ':
        if (container.State === 'running') return send(409, { message: 'it is running' })
        this.containers.delete(id)
        return send(204)
      default:
        return send(404, { message: 'page not found' })
    }
  }

  #list(url: URL): object[] {
    const filters = JSON.parse(url.searchParams.get('filters') ?? '{}') as { label?: string[] }
    const isAll = ['1', 'true'].includes(url.searchParams.get('all') ?? '')
    return [...this.containers.values()]
      .filter(({ State }) => isAll || State === 'running')
      .filter(({ Labels }) =>
        (filters.label ?? []).every((label) => {
          const at = label.indexOf('=')
          return Labels[label.slice(0, at)] === label.slice(at + 1)
        }),
      )
      .map(({ Id, name, State, Status, Labels }) => ({
        Id,
        Names: [`/${name}`],
        State,
        Status,
        Labels,
      }))
  }
}

function inspected({ Id, name, State, body }: EngineContainer): object {
  const { HostConfig, NetworkingConfig, state: _, ...Config } = body
  const networks = Object(Object(NetworkingConfig).EndpointsConfig)
  return {
    ...{ Id, Name: `/${name}`, State: { Status: State }, Config, HostConfig },
    NetworkSettings: { Networks: networks },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>
}
