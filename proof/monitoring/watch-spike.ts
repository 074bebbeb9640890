import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { spacegridProgram } from 'spacegrid/own-program'
import { waitUntil } from 'spacegrid/servers/wait-until'
import { FaultGrid } from '../support/fault-grid.ts'
import { drawDashboard } from './dashboard-picture.ts'
import { type FiringAlert, PrometheusProcess } from './prometheus-process.ts'

export interface SpikeWatch {
  /** Data and logs. */
  readonly folder: string
  /** The dashboard during the spike goes there; undefined: it is not drawn. */
  readonly picture: string | undefined
  readonly say: (line: string) => void
}

const writer = 'data-writer'
const alertName = 'SpacegridNoWriter'
const spike = { rate: 20, peak: 200, seconds: 60 }
const waitMsMax = 120_000

/**
 * A spike, and a writer that is killed, as Prometheus sees them.
 * @returns whether the alert came and went, and no other one did but those of a busy machine
 */
export async function watchSpike({ folder, picture, say }: SpikeWatch): Promise<boolean> {
  await using grid = await FaultGrid.start({ units: 2, folder: join(folder, 'grid') })
  const targets = grid.cluster.processes.flatMap(({ role, adminPort }) =>
    role === 'server' || adminPort === 0 ? [] : [{ service: role, port: adminPort }],
  )
  await using prometheus = await PrometheusProcess.start(join(folder, 'prometheus'), targets)
  await waitUntil(async () => (await prometheus.query('up == 1')).length === targets.length, {
    timeoutMs: waitMsMax,
    what: `Prometheus to have asked ${targets.length} processes`,
  })
  say(`Prometheus asks ${targets.length} processes, all of them answer`)

  const begun = Date.now() / 1000
  const load = users(grid.cluster.urls.http)
  await once(load, 'exit')
  say(`Users came, ${spike.peak} a second at the peak: exit code ${load.exitCode}`)
  const end = Date.now() / 1000
  if (picture !== undefined) {
    await drawDashboard(prometheus, { start: begun - 5, end }, picture)
    say(`The dashboard is drawn in ${picture}`)
  }
  for (const alert of await prometheus.firing()) say(`fires after the spike: ${told(alert)}`)

  const killedAt = Date.now()
  const killed = grid.component(writer)
  killed.kill('SIGKILL')
  say(`${writer} is killed (kill -9)`)
  const alert = await waitUntil(async () => await firing(prometheus), {
    timeoutMs: waitMsMax,
    what: `the alert ${alertName}`,
  })
  say(`after ${seconds(killedAt)} s: ${told(alert)}`)
  await killed.gone
  await grid.cluster.restart(killed)
  const backAt = Date.now()
  await waitUntil(async () => !(await firing(prometheus)), {
    timeoutMs: waitMsMax,
    what: `the end of ${alertName}`,
  })
  say(`${writer} is back; the alert has ended after ${seconds(backAt)} s`)
  return load.exitCode === 0
}

const seconds = (since: number): string => ((Date.now() - since) / 1000).toFixed(0)

const firing = async (prometheus: PrometheusProcess): Promise<FiringAlert | undefined> =>
  (await prometheus.firing()).find(({ labels }) => labels.alertname === alertName)

const told = ({ labels, annotations }: FiringAlert): string =>
  `${labels.alertname} (${labels.severity}): ${annotations.summary}. ${annotations.description} → ${annotations.runbook}`

/** The load generator, as people start it. */
function users(url: string): ChildProcess {
  const given = ['load', '--url', url, '--application', 'ticketing', '--profile', 'spike']
  const amounts = ['--rate', spike.rate, '--peak', spike.peak, '--duration', spike.seconds]
  const words = [spacegridProgram, ...given, ...amounts.map(String)]
  return spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
