import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { metricRoles } from '../../grid/doors/admin/status-metric.ts'
import { metricsOfRole, metricsPage, metricsPagePath } from './metrics-page.ts'

const root = new URL('../../', import.meta.url)

test('docs/metrics.md is what the programs tell (npm run metrics)', async () => {
  expect(await readFile(new URL(metricsPagePath, root), 'utf8')).toBe(metricsPage())
})

test('names and labels follow the conventions of Prometheus', () => {
  for (const role of metricRoles)
    for (const { name, type, labels, help } of metricsOfRole(role).values()) {
      if (!name.startsWith('spacegrid_')) continue
      expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/)
      expect(name, 'units are not scaled').not.toMatch(/_(ms|milliseconds|kb|mb|percent)(_|$)/)
      for (const label of labels) expect(label).toMatch(/^[a-z][a-z_]*$/)
      expect(labels, 'every series has them').not.toEqual(expect.arrayContaining(['unit', 'role']))
      expect(help, name).not.toBe('')
    }
})
