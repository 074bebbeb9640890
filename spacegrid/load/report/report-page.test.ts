import { expect, it } from 'vitest'
import type { Answer } from '../../client/index.ts'
import { summarize } from '../measured.ts'
import { Measurements } from '../measurements.ts'
import type { LoadSummary } from '../summary.ts'
import { reportPage } from './report-page.ts'
import { screenReport } from './screen.ts'

function summary(passed = true): LoadSummary {
  let nowMs = 0
  const measurements = new Measurements(() => nowMs)
  const answers: Answer[] = [
    { kind: 'accepted', result: {}, position: 1, attempts: 1 },
    { kind: 'shed', reason: '</script><b>', outcomeUnknown: false, attempts: 2 },
  ]
  for (const answer of answers) {
    const record = measurements.offer('confirmHold', nowMs)
    nowMs += 12.5
    record(answer)
  }
  const run = {
    url: 'http://127.0.0.1:8080/',
    application: 'ticketing',
    profile: 'spike',
    startedAt: '2024-01-01T00:00:00.000Z',
    runId: '1-abc',
    options: { rate: 5 },
    interrupted: false,
    scheduledSeconds: 1,
    plannedBySecond: [2],
    servers: { processes: [], note: 'Nobody says how the grid is.' },
  }
  const checks = [{ promise: 'no seat sold twice', passed, detail: '2 seats' }]
  return { ...summarize(run, measurements, checks), thresholds: [] }
}

it('is one file: nothing is loaded from elsewhere, and the numbers are inside', async () => {
  const page = await reportPage(summary())
  expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)=/)
  expect(page).toContain('var uPlot=')
  const [, json] = /<script type="application\/json" id="summary">(.*?)<\/script>/.exec(page) ?? []
  expect(JSON.parse(json ?? '')).toEqual(summary())
})

it('shows text from the grid as text', async () => {
  const page = await reportPage(summary())
  expect(page).not.toContain('</script><b>')
  expect(page).toContain('&#60;/script&#62;&#60;b&#62;')
})

it('says on screen and on the page whether the audit passed', async () => {
  expect(screenReport(summary(true))).toMatch(
    /\n {2}ok {4}no seat sold twice: 2 seats\nAudit passed\.\n$/,
  )
  expect(screenReport(summary(false))).toMatch(
    /FAILED {2}no seat sold twice: 2 seats\nAudit FAILED\.\n$/,
  )
  expect(await reportPage(summary(false))).toContain('Audit failed.')
})

it('prints offered, admitted, shed, failed and the percentiles', () => {
  const text = screenReport(summary())
  expect(text).toContain('offered   2\n')
  expect(text).toContain('admitted  1 (50.0 %)')
  expect(text).toContain('shed      1 (50.0 %)')
  expect(text).toContain('failed    0 (0.0 %)')
  expect(text).toMatch(
    /latency {3}p50 12\.5 {2}p90 12\.5 {2}p99 12\.5 {2}p99\.9 12\.5 {2}max 12\.5 ms/,
  )
})
