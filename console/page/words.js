/** How the page says things: numbers, times, and what is happening in a sentence. Pure. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 })

export const count = (value) => (value == null ? '–' : whole.format(value))

/** Per second: small ones with a tenth. */
export const rate = (value) =>
  value == null ? '–' : value > 0 && value < 9.95 ? tenths.format(value) : whole.format(value)

export const ms = (value) =>
  value == null
    ? '–'
    : value > 0 && value < 9.95
      ? `${tenths.format(value)} ms`
      : `${whole.format(value)} ms`

export function bytes(value) {
  if (value == null) return '–'
  if (value < 1e6) return `${whole.format(value / 1e3)} kB`
  if (value < 1e9) return `${whole.format(value / 1e6)} MB`
  return `${tenths.format(value / 1e9)} GB`
}

export const percent = (share) =>
  share == null ? '–' : share > 0 && share < 0.01 ? '<1 %' : `${whole.format(share * 100)} %`

export function duration(milliseconds) {
  if (milliseconds == null) return '–'
  const seconds = Math.floor(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** Minor units (cents). */
export const money = (value) =>
  value == null
    ? '–'
    : new Intl.NumberFormat('en', { minimumFractionDigits: 2 }).format(value / 100)

export const plural = (number, one, more = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : more}`

export const roles = {
  'processing-unit': 'Processing unit',
  'query-unit': 'Query unit',
  'data-pump': 'Data pump',
  'data-writer': 'Data writer',
  'data-reader': 'Data reader',
  'deployment-manager': 'Deployment manager',
  'waiting-room': 'Waiting room',
  process: 'Process',
}

export const reasons = {
  queue: 'Too many wait',
  share: 'Others asked for less',
  deadline: 'Not in its caller’s time',
  late: 'Taken, waited in vain',
  bound: 'A fixed bound is reached',
}

export const priorities = { finish: 'finishing', begin: 'beginning', browse: 'browsing' }

/** Queries a second that pages like this one ask. */
const ownQueries = 4
const under = 'Everything that is asked is answered'

/** What is happening now, so that somebody who has never seen a grid understands it. */
export function story({ point, spaces, spike, alarms }) {
  if (spaces.length === 0) return 'No unit has been heard of yet.'
  const ready = spaces.reduce((sum, { unitsReady }) => sum + unitsReady, 0)
  const units = `${plural(ready, 'unit')} ready`
  const sentences = []
  if (spike?.phase === 'starting') sentences.push('A spike is about to begin.')
  else if (spike?.phase === 'running') sentences.push('A spike is under way.')
  else if (spike?.phase === 'ending')
    sentences.push('The spike is over; what its users were told is audited.')
  const rates = point.commands + point.queries
  if (point.commands < 0.5 && point.queries < ownQueries) {
    const asked = rates < 0.5 ? 'nobody asks for anything' : 'only this page asks now and then'
    if (sentences.length === 0) sentences.push(`All is quiet: ${units}, ${asked}.`)
  } else {
    sentences.push(
      `${units}, ${rate(point.commands)} commands and ${rate(point.queries)} queries a second.`,
    )
    if (point.p50Ms != null)
      sentences.push(
        `Half of the commands are answered within ${ms(point.p50Ms)}, 99 of 100 within ${ms(point.p99Ms)}.`,
      )
    if (point.turnedAway >= 1)
      sentences.push(
        `${percent(point.turnedAway / Math.max(point.commands, point.turnedAway))} are turned away at once, so that the others stay quick.`,
      )
    else if (point.commands >= 10) sentences.push(`${under}.`)
  }
  const behind = point.toPump + point.toWriter
  if (behind > 500)
    sentences.push(`${plural(behind, 'record')} wait for the store, and nobody waits for that.`)
  if (alarms.some(({ level }) => level === 'bad')) sentences.push('Something needs a look.')
  return sentences.join(' ')
}
