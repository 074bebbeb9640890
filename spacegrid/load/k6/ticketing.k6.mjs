// The users of `npx spacegrid load --application ticketing`, for k6: a second opinion on the same
// grid, by a generator that shares no line with ours. Run it with `k6 run FILE`.
import { check, sleep } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Rate } from 'k6/metrics'

/** Written by `npx spacegrid load --k6 FILE`. */
const plan = {}

const shed = new Rate('shed')
const failed = new Rate('failed')
const rejected = new Counter('rejected')

export const options = {
  scenarios: {
    users: {
      executor: 'ramping-arrival-rate',
      startRate: plan.startRate,
      timeUnit: plan.timeUnit,
      stages: plan.stages,
      preAllocatedVUs: Math.min(plan.openMax, 200),
      maxVUs: plan.openMax,
      gracefulStop: `${plan.drainSeconds}s`,
    },
  },
  thresholds: { failed: ['rate==0'] },
  summaryTrendStats: ['p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  // What is refused is a business answer: 409 is no failure of HTTP.
  discardResponseBodies: false,
}

http.setResponseCallback(http.expectedStatuses(200, 409))

const random = (list) => list[Math.floor(Math.random() * list.length)]
const quantities = [1, 1, 2, 2, 2, 2, 3, 4]

function counted(response) {
  shed.add(response.status === 503 || response.status === 429)
  failed.add(![200, 409, 429, 503].includes(response.status))
  if (response.status === 409) rejected.add(1)
  return response.status === 200 ? response.json('result') : undefined
}

function command(name, input) {
  const { scenario } = exec
  return counted(
    http.post(`${plan.url}/ticketing/commands/${name}`, JSON.stringify(input), {
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `${plan.runId}-${scenario.iterationInTest}-${name}`,
        'grid-timeout': `${plan.timeoutMs}ms`,
        ...plan.headers,
      },
      tags: { operation: name, name },
      timeout: plan.timeoutMs,
    }),
  )
}

export function setup() {
  for (const eventId of plan.eventIds) {
    const startsAt = new Date(Date.now() + 86_400_000).toISOString()
    const input = { eventId, name: `Load ${plan.runId}`, startsAt, sections: plan.sections }
    const created = http.post(`${plan.url}/ticketing/commands/createEvent`, JSON.stringify(input), {
      headers: { 'content-type': 'application/json', 'idempotency-key': eventId, ...plan.headers },
    })
    if (created.status !== 200) exec.test.abort(`The event could not be created: ${created.body}`)
  }
}

function eventOf() {
  const [hot, ...others] = plan.eventIds
  return others.length === 0 || Math.random() < plan.hot ? hot : random(others)
}

/** Seats beside each other in a random row. */
function neighbours({ section, rows, seatsPerRow }, quantity) {
  const row = 1 + Math.floor(Math.random() * rows)
  const count = Math.min(quantity, seatsPerRow)
  const first = 1 + Math.floor(Math.random() * (seatsPerRow - count + 1))
  return Array.from({ length: count }, (_, index) => `${section}-${row}-${first + index}`)
}

export default function user() {
  const eventId = eventOf()
  if (Math.random() < plan.browse) {
    const url = `${plan.url}/ticketing/queries/availability?eventId=${eventId}`
    counted(
      http.get(url, {
        headers: plan.headers,
        tags: { operation: 'availability', name: 'availability' },
        timeout: plan.timeoutMs,
      }),
    )
    return
  }
  const { iterationInTest } = exec.scenario
  const customerId = `k6-${plan.users === undefined ? iterationInTest : iterationInTest % plan.users}`
  const quantity = random(quantities)
  const section = random(plan.sections)
  const hold =
    Math.random() < plan.specific
      ? command('holdSeats', { eventId, seatIds: neighbours(section, quantity), customerId })
      : command('holdBestAvailable', { eventId, section: section.section, quantity, customerId })
  if (hold === undefined) return
  const decision = Math.random()
  sleep(plan.thinkSeconds * (0.5 + Math.random()))
  if (decision < plan.confirm) {
    const paymentReference = `payment-${plan.runId}-${iterationInTest}`
    const order = command('confirmHold', { holdId: hold.holdId, paymentReference })
    if (order !== undefined)
      check(order, { 'an order has an id': (it) => it.orderId !== undefined })
  } else if (decision < plan.confirm + (1 - plan.confirm) / 2)
    command('releaseHold', { holdId: hold.holdId })
}
