import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isPrometheusInstalled, promtool } from '@spacegrid/proof/support/promtool'
import { describe, expect, test } from 'vitest'
import { metricRoles } from '../grid/doors/admin/status-metric.ts'
import { metricsOfRole } from '../scripts/reference/metrics-page.ts'

/*
 * The files under monitoring/: Prometheus' own tool reads them, and what they name is there.
 * tests/telemetry.test.ts holds the names against what programs tell.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'monitoring')
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboards = async (): Promise<readonly { readonly panels: readonly Panel[] }[]> => {
  const files = (await readdir(join(folder, 'grafana'))).filter((file) => file.endsWith('.json'))
  return Promise.all(
    files.map(async (file) => JSON.parse(await read(join('monitoring/grafana', file)))),
  )
}

const expressions = async (): Promise<readonly string[]> =>
  (await dashboards()).flatMap(({ panels }) =>
    panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  )

/** Names of metrics, as they are told: without what a histogram's series have at the end. */
const metricsIn = (text: string, known: ReadonlySet<string>): readonly string[] =>
  [...text.matchAll(/\b(?:spacegrid|nodejs|process)_[a-z0-9_]+\b/g)].map(([name]) =>
    known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''),
  )

const alertNames = async (): Promise<readonly string[]> =>
  [...(await read('monitoring/alerts.yml')).matchAll(/- alert: (\w+)/g)].map(
    ([, name]) => name ?? '',
  )

test('every metric that alerts and dashboards ask for is one that a role tells', async () => {
  const known = new Set(metricRoles.flatMap((role) => [...metricsOfRole(role).keys()]))
  const files = ['alerts.yml', 'alerts.test.yml', 'prometheus.yml']
  const texts = await Promise.all(files.map((file) => read(join('monitoring', file))))
  const named = metricsIn([...texts, ...(await expressions())].join('\n'), known)
  expect(named.length).toBeGreaterThan(100)
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([])
})

test('every alert has a test, and a part of the runbooks that says what to do', async () => {
  const names = await alertNames()
  expect(names.length).toBeGreaterThan(20)
  expect(new Set(names).size).toBe(names.length)
  const tests = await read('monitoring/alerts.test.yml')
  const alerts = await read('monitoring/alerts.yml')
  const runbooks = await read('docs/runbooks.md')
  for (const name of names) {
    expect(tests, name).toContain(`alertname="${name}"`)
    expect(alerts, name).toContain(`runbook: docs/runbooks.md#${name.toLowerCase()}\n`)
    expect(runbooks, name).toMatch(new RegExp(`^#+ ${name}$`, 'm'))
  }
})

test('Prometheus asks every role that Compose can run', async () => {
  const compose = await read('docker-compose.yml')
  const [, names = ''] =
    /names:\n((?: +- [a-z-]+\n)+)/.exec(await read('monitoring/prometheus.yml')) ?? []
  const asked = [...names.matchAll(/- ([a-z-]+)/g)].map(([, name]) => name)
  expect([...asked].sort()).toEqual([...metricRoles].sort())
  for (const name of asked) expect(compose).toMatch(new RegExp(`^  ${name}:$`, 'm'))
})

// Skipped: without promtool nobody can ask it; said loudly above.
describe.skipIf(!isPrometheusInstalled(process.env))('by promtool', () => {
  test.each([
    [['check', 'config', 'prometheus.yml']],
    [['check', 'rules', 'alerts.yml']],
    [['test', 'rules', 'alerts.test.yml']],
  ])('%j', (given) => {
    const { status, said } = promtool(folder, ...given)
    expect(status, said).toBe(0)
  })

  test('what dashboards ask can be asked', async () => {
    const rules = (await expressions()).map((expr, at) => ({
      record: `dashboard:${at}`.replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? ''),
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$space', '.*'),
    }))
    const place = await mkdtemp(join(tmpdir(), 'spacegrid-dashboards-'))
    try {
      // JSON is YAML.
      const text = JSON.stringify({ groups: [{ name: 'dashboards', rules }] })
      await writeFile(join(place, 'rules.yml'), text)
      const { status, said } = promtool(place, 'check', 'rules', 'rules.yml')
      expect(status, said).toBe(0)
    } finally {
      await rm(place, { recursive: true })
    }
  })
})
