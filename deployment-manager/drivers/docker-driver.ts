import { GridError } from '@spacegrid/grid/core/errors'
import type Docker from 'dockerode'
import type { Deployed, Driver } from './driver.ts'

export interface DockerDriverOptions {
  /** Compose project and service whose containers are the units. */
  readonly project: string
  readonly service: string
}

/** How long a container may take to stop in good order. */
const stopSeconds = 30

const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
} as const

interface Unit {
  readonly id: string
  readonly number: number
  readonly state: string
  /** `Up 4 seconds (health: starting)`, as the Engine words it. */
  readonly status: string
}

/**
 * Units that are containers of one service of a compose project, found by the labels that compose
 * gives them, and made as compose makes them: after the pattern of the one with the lowest number.
 * Names of containers are unique, so of two who make the same one is refused, and nothing is there
 * twice; to take one away the Engine knows no terms, so that one who was frozen at the wrong moment
 * may take away one too many, which is then made again.
 */
export class DockerDriver implements Driver {
  readonly name = 'docker'
  readonly isHere = false
  readonly #docker: Docker
  readonly #project: string
  readonly #service: string

  constructor(docker: Docker, { project, service }: DockerDriverOptions) {
    this.#docker = docker
    this.#project = project
    this.#service = service
  }

  async look(): Promise<Deployed> {
    const units = await this.#units()
    const running = units.filter(({ state }) => state === 'running')
    const ready = running.filter(({ status }) => !status.includes('(health: starting)')).length
    const starting =
      running.length - ready + units.filter(({ state }) => state === 'created').length
    return { wanted: units.length, ready, starting, spares: 0 }
  }

  async scale(wanted: number): Promise<void> {
    const units = await this.#units()
    const [pattern] = units
    if (!pattern)
      throw new GridError(
        'no_responder',
        `there is no container of service ${this.#service} in project ${this.#project} to make others like: docker compose up first`,
      )
    // Those that have ended are started again before others are made.
    for (const { id, state } of units.slice(0, wanted))
      if (state !== 'running') await this.#tell(() => this.#docker.getContainer(id).start())
    const numbers = new Set(units.map(({ number }) => number))
    for (let number = 1; numbers.size < wanted; number++)
      if (!numbers.has(number)) {
        numbers.add(number)
        await this.#make(pattern.id, number)
      }
    const fewer = units.slice(wanted)
    await Promise.all(fewer.map(({ id }) => this.#remove(id)))
  }

  async close(): Promise<void> {}

  /** By number. */
  async #units(): Promise<Unit[]> {
    const filters = {
      label: [
        `${labels.project}=${this.#project}`,
        `${labels.service}=${this.#service}`,
        `${labels.oneOff}=False`,
      ],
    }
    const found = await this.#tell(() => this.#docker.listContainers({ all: true, filters }))
    return found
      .filter(({ State }) => State !== 'removing' && State !== 'dead')
      .map(({ Id: id, State: state, Status: status, Labels }) => ({
        ...{ id, state, status, number: Number(Labels[labels.number] ?? 0) },
      }))
      .sort((one, other) => one.number - other.number)
  }

  async #make(pattern: string, number: number): Promise<void> {
    const { Config, HostConfig, NetworkSettings } = await this.#tell(() =>
      this.#docker.getContainer(pattern).inspect(),
    )
    const name = `${this.#project}-${this.#service}-${number}`
    const endpoints = Object.keys(NetworkSettings.Networks).map((network) => [
      network,
      { Aliases: [name, this.#service] },
    ])
    // Its own name and address are what makes a container another one.
    const { Hostname: _, Domainname: __, ...config } = Config
    const container = await this.#tell(() =>
      this.#docker.createContainer({
        ...config,
        name,
        Labels: { ...Config.Labels, [labels.number]: String(number) },
        HostConfig,
        NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) },
      }),
    )
    await this.#tell(() => container.start())
  }

  async #remove(id: string): Promise<void> {
    const container = this.#docker.getContainer(id)
    await this.#tell(() => container.stop({ t: stopSeconds }))
    await this.#tell(() => container.remove({ v: true }))
  }

  /** What the Engine refuses, or that it does not answer, as a fault of the world. */
  async #tell<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      const { statusCode, json, reason, code } = Object(error)
      // Somebody else has done it already.
      if (statusCode === 304) return undefined as T
      const what =
        Object(json).message ??
        reason ??
        code ??
        (error instanceof Error ? error.message : String(error))
      throw new GridError(
        statusCode === 409 ? 'fenced' : 'no_responder',
        `the Docker Engine: ${what}`,
        { cause: error },
      )
    }
  }
}
