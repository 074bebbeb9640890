import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'

const monitoring = fileURLToPath(new URL('../../monitoring/', import.meta.url))

/** Somebody to be asked for metrics. */
export interface Target {
  /** As its service is called in Compose. */
  readonly service: string
  readonly port: number
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: string
  readonly activeAt: string
}

export interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [seconds: number, value: string])[]
}

/**
 * A real Prometheus with the files of `monitoring/`, which asks processes on this machine instead
 * of containers.
 */
export class PrometheusProcess implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  static async start(folder: string, targets: readonly Target[]): Promise<PrometheusProcess> {
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'prometheus.yml')
    const shipped = await readFile(join(monitoring, 'prometheus.yml'), 'utf8')
    const statics = targets.map(
      ({ service, port }) =>
        `      - { targets: ["127.0.0.1:${port}"], labels: { service: ${service} } }\n`,
    )
    const own = shipped
      .replace('alerts.yml', join(monitoring, 'alerts.yml'))
      .replace(/ {4}dns_sd_configs:[\s\S]*$/, `    static_configs:\n${statics.join('')}`)
    await writeFile(file, own)
    const port = await findFreePort()
    const child = spawn(
      'prometheus',
      [
        ...[`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`],
        ...[`--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage'],
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    reapWithThisProcess(child.pid ?? 0)
    const url = `http://127.0.0.1:${port}`
    await waitUntil(async () => (await fetch(`${url}/-/ready`)).ok, {
      timeoutMs: 60_000,
      what: 'Prometheus to be ready',
    })
    return new PrometheusProcess(url, child)
  }

  /** Alerts that fire. */
  async firing(): Promise<readonly FiringAlert[]> {
    const { alerts } = await this.#ask<{ alerts: readonly FiringAlert[] }>('alerts', {})
    return alerts.filter(({ state }) => state === 'firing')
  }

  async query(query: string): Promise<readonly RangeSeries['metric'][]> {
    const { result } = await this.#ask<{ result: readonly RangeSeries[] }>('query', { query })
    return result.map(({ metric }) => metric)
  }

  /** @param start of the range, like its end seconds since the epoch */
  async range(query: string, start: number, end: number): Promise<readonly RangeSeries[]> {
    const asked = { query, start: String(start), end: String(end), step: '5' }
    return (await this.#ask<{ result: readonly RangeSeries[] }>('query_range', asked)).result
  }

  async #ask<Data>(what: string, asked: Readonly<Record<string, string>>): Promise<Data> {
    const answer = await fetch(`${this.url}/api/v1/${what}?${new URLSearchParams(asked)}`)
    const { data, error } = (await answer.json()) as { data: Data; error?: string }
    if (!answer.ok) throw new Error(`Prometheus: ${error}`)
    return data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await gone
  }
}
