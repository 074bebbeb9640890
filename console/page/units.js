import { element, keep, make, scrolled, setData, setHidden, setText } from './elements.js'
import { bytes, count, duration, ms, percent, rate, roles } from './words.js'

const columns = [
  ['Name', 'text'],
  ['State', 'text'],
  ['Works for', 'text'],
  ['Position', 'number'],
  ['Lag', 'number'],
  ['Commands/s', 'number'],
  ['99 % within', 'number'],
  ['Under way', 'number'],
  ['Memory', 'number'],
  ['Busy', 'number'],
  ['Up', 'number'],
  ['', 'actions'],
]

const states = { ready: 'Ready', 'not-ready': 'Not ready', silent: 'Gone', stopped: 'Stopped' }
const actionNames = { stop: 'Stop', kill: 'Kill', start: 'Start' }
const actionTitles = {
  stop: 'lets it finish what it has begun, and ends it',
  kill: 'ends it at once, as a power cut would (SIGKILL)',
  start: 'starts it again in its place',
}

/** @param act called with a unit's name and an action */
export class Units {
  #act
  #control
  #body

  constructor(act) {
    this.#act = act
    this.#body = make('tbody')
    const caption = make('caption', { className: 'unseen', textContent: 'Units and roles' })
    const headings = columns.map(([name, kind]) =>
      name === '' ? make('td', {}) : make('th', { scope: 'col', className: kind }, name),
    )
    const head = make('thead', {}, make('tr', {}, ...headings))
    element('processes').append(
      scrolled('Table of units and roles', make('table', {}, caption, head, this.#body)),
    )
  }

  show({ processes, control }) {
    this.#control = control
    keep(
      this.#body,
      processes,
      ({ name }) => name,
      () => this.#row(),
      (row, process) => this.#update(row, process),
    )
    const { add } = control
    setHidden(element('add'), add === null)
    element('add').disabled = add !== true || element('add').dataset.busy === 'true'
    element('add').title = add === true || add === null ? '' : add
  }

  #row() {
    const row = make('tr')
    row.append(
      make('th', { scope: 'row' }, make('b'), make('small')),
      make('td', {}, make('span', { className: 'state' }), make('small', { className: 'why' })),
      ...columns.slice(2, -1).map(([, kind]) => make('td', { className: kind })),
      make('td', { className: 'actions' }),
    )
    row.cells[8].append(make('span'), make('i', { className: 'meter', aria: { hidden: 'true' } }))
    return row
  }

  #update(row, process) {
    const { logs, logCount, memoryBytes, memoryBudgetBytes } = process
    const [name, state, works, position, lag, commands, p99, pending, memory, loop, up, actions] =
      row.cells
    setText(name.firstChild, process.name)
    setText(name.lastChild, roles[process.role] ?? process.role)
    setText(state.firstChild, states[process.state])
    setData(state.firstChild, 'state', process.state)
    setText(state.lastChild, process.reasons[0] ?? standby(logs) ?? process.wishes[0] ?? '')
    setText(works, worksFor(logs, logCount))
    setText(position, logs.length === 1 ? count(logs[0].position) : '–')
    setText(lag, logs.length === 0 ? '–' : count(Math.max(...logs.map((log) => log.lag))))
    const isUnit = process.role.endsWith('-unit')
    setText(commands, isUnit ? rate(process.commandsPerSecond) : '–')
    setText(p99, isUnit ? ms(process.p99Ms) : '–')
    setText(pending, isUnit ? count(process.pending) : '–')
    const share = memoryBudgetBytes ? memoryBytes / memoryBudgetBytes : null
    setText(memory.firstChild, share === null ? bytes(process.residentBytes) : percent(share))
    memory.title = share === null ? '' : `${bytes(memoryBytes)} of ${bytes(memoryBudgetBytes)}`
    setHidden(memory.lastChild, share === null)
    memory.lastChild.style.setProperty('--share', share ?? 0)
    setData(memory, 'level', share >= 0.75 ? 'bad' : share >= 0.65 ? 'warn' : 'good')
    setText(loop, percent(process.loop))
    setText(up, duration(process.uptimeMs))
    this.#actions(actions, process.name)
  }

  #actions(cell, unit) {
    const possible = this.#control.units[unit] ?? []
    keep(
      cell,
      possible,
      (action) => action,
      (action) =>
        make(
          'button',
          {
            type: 'button',
            className: action === 'kill' ? 'danger' : '',
            title: `${actionNames[action]} ${unit}: ${actionTitles[action]}`,
            aria: { label: `${actionNames[action]} ${unit}` },
            on: { click: ({ currentTarget }) => this.#do(currentTarget, unit, action) },
          },
          actionNames[action],
        ),
      () => undefined,
    )
  }

  async #do(button, unit, action) {
    button.disabled = true
    await this.#act({ action, unit })
    button.disabled = false
  }
}

const standby = (logs) =>
  logs.length > 0 && logs.every(({ state }) => state === 'standby') ? 'stands by' : undefined

function worksFor(logs, logCount) {
  const names = logs.map(({ log }) => log)
  if (logCount <= 2) return names.join(', ')
  const spaces = [...new Set(names.map((name) => name.split('.', 1)[0]))]
  return `${logCount} logs of ${spaces.join(', ')}`
}
