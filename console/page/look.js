import { element, keep, make, scrolled, setHidden, setText } from './elements.js'
import { count, ms } from './words.js'

const pageSize = 20
const valueLength = 4000
const tabs = [
  ['entries', 'Entries'],
  ['query', 'Query'],
  ['history', 'History of a key'],
]

/** Looks into caches, asks queries and has them explained, and reads what became of a key. */
export class Look {
  #grid
  #spaces = []
  #document
  #panels = {}
  #tabs = {}
  /** Sent with what is asked of the grid. */
  headers = {}
  #page = { space: '', cache: '', offset: 0, count: 0 }

  /** @param grid where the public door is, as this page reaches it */
  constructor(grid) {
    this.#grid = grid
    this.#draw()
  }

  /** Tells which spaces there are; the first time, looks into one. */
  know(spaces) {
    const names = spaces.map(({ space }) => space)
    if (names.join() === this.#spaces.join()) return
    this.#spaces = names
    for (const panel of Object.values(this.#panels)) {
      const select = panel.querySelector('[name=space]')
      options(select, names)
    }
    void this.#caches()
  }

  #draw() {
    const list = make('div', {
      className: 'tabs',
      aria: { role: 'tablist', label: 'Look inside' },
      on: { keydown: (event) => this.#turn(event) },
    })
    this.#panels = { entries: this.#entries(), query: this.#query(), history: this.#history() }
    for (const [id, name] of tabs) {
      const tab = make(
        'button',
        {
          type: 'button',
          id: `tab-${id}`,
          aria: { role: 'tab', controls: `panel-${id}` },
          on: { click: () => this.#choose(id) },
        },
        name,
      )
      this.#tabs[id] = tab
      list.append(tab)
    }
    element('looking').replaceChildren(list, ...Object.values(this.#panels))
    this.#choose('entries')
  }

  #choose(id) {
    for (const [name] of tabs) {
      const isChosen = name === id
      this.#tabs[name].setAttribute('aria-selected', isChosen)
      this.#tabs[name].tabIndex = isChosen ? 0 : -1
      setHidden(this.#panels[name], !isChosen)
    }
    if (id === 'query') void this.#queries()
  }

  #turn(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step === undefined) return
    const names = tabs.map(([id]) => id)
    const at = names.findIndex((id) => this.#tabs[id] === document.activeElement)
    const next = names[(at + step + names.length) % names.length]
    this.#choose(next)
    this.#tabs[next].focus()
  }

  #panel(id, ...children) {
    return make(
      'div',
      {
        id: `panel-${id}`,
        className: 'tab-panel',
        aria: { role: 'tabpanel', labelledby: `tab-${id}` },
      },
      ...children,
    )
  }

  #entries() {
    return this.#panel(
      'entries',
      form(
        () => undefined,
        field('Space', make('select', { name: 'space', on: { change: () => this.#caches() } })),
        field('Cache', make('select', { name: 'cache', on: { change: () => this.#turnTo(0) } })),
        button('Earlier', () => this.#turnTo(this.#page.offset - pageSize), 'earlier'),
        button('Later', () => this.#turnTo(this.#page.offset + pageSize), 'later'),
        make('span', { className: 'note count', aria: { role: 'status' } }),
      ),
      scrolled(
        'Entries',
        make(
          'table',
          { className: 'entries' },
          make(
            'thead',
            {},
            make(
              'tr',
              {},
              ...['Key', 'Value', 'Position'].map((name) => make('th', { scope: 'col' }, name)),
            ),
          ),
          make('tbody'),
        ),
      ),
    )
  }

  async #caches() {
    const panel = this.#panels.entries
    const space = panel.querySelector('[name=space]').value
    if (!space) return
    const { caches = [], problem } = await this.#ask({ space })
    if (problem) return setText(panel.querySelector('.count'), problem)
    const select = panel.querySelector('[name=cache]')
    options(
      select,
      caches.map(({ cache }) => cache),
    )
    await this.#turnTo(0)
  }

  async #turnTo(offset) {
    const panel = this.#panels.entries
    const [space, cache] = ['space', 'cache'].map(
      (name) => panel.querySelector(`[name=${name}]`).value,
    )
    const asked = { space, cache, offset: Math.max(0, offset), limit: pageSize }
    const {
      entries = [],
      count: all = 0,
      offset: from = 0,
      partitions,
      problem,
    } = await this.#ask(asked)
    this.#page = { space, cache, offset: from, count: all }
    const some = `${count(from + 1)} to ${count(from + entries.length)} of ${count(all)}`
    const where = partitions ? ` in ${partitions.length} partitions of one unit` : ''
    setText(
      panel.querySelector('.count'),
      problem ?? (entries.length === 0 ? 'No entries' : `${some}${where}`),
    )
    panel.querySelector('.earlier').disabled = from === 0
    panel.querySelector('.later').disabled = from + entries.length >= all
    keep(
      panel.querySelector('tbody'),
      entries,
      ({ key }) => key,
      ({ key }) =>
        make(
          'tr',
          {},
          make(
            'th',
            { scope: 'row' },
            make(
              'button',
              {
                type: 'button',
                className: 'link',
                title: 'What became of it',
                on: { click: () => this.#historyOf(space, cache, key) },
              },
              key,
            ),
          ),
          make('td', {}, make('code')),
          make('td', { className: 'number' }),
        ),
      (row, { value, cut, position }) => {
        setText(row.querySelector('code'), cut ? `${value}…` : value)
        setText(row.lastChild, count(position))
      },
    )
  }

  /** The entries that came last, the newest at the end. */
  async newest(space, cache, most) {
    const { entries = [] } = await this.#ask({ space, cache, limit: most, newest: true })
    return entries
  }

  async #ask(asked) {
    try {
      const answer = await fetch(`/console/entries?${new URLSearchParams(asked)}`)
      return answer.ok ? await answer.json() : { problem: await answer.text() }
    } catch {
      return { problem: 'The console cannot be reached' }
    }
  }

  #query() {
    const explain = make('input', { type: 'checkbox', name: 'explain', checked: true })
    return this.#panel(
      'query',
      form(
        () => void this.#run(),
        field('Space', make('select', { name: 'space', on: { change: () => this.#queries() } })),
        field('Query', make('select', { name: 'query', on: { change: () => this.#example() } })),
        make('label', { className: 'check' }, explain, 'Explain'),
        make('button', { className: 'primary' }, 'Ask'),
        field(
          'Input, JSON',
          make('textarea', { name: 'input', rows: 4, spellcheck: false }),
          'wide',
        ),
      ),
      make('p', { className: 'note', aria: { role: 'status' } }),
      make('div', { className: 'explained' }),
      make('pre', { tabIndex: 0, hidden: true, aria: { label: 'Answer' } }),
    )
  }

  async #queries() {
    const panel = this.#panels.query
    const space = panel.querySelector('[name=space]').value
    if (!space) return
    try {
      this.#document ??= await (await fetch(`${this.#grid}/openapi.json`)).json()
    } catch {
      return setText(panel.querySelector('.note'), 'The grid cannot be reached')
    }
    const prefix = `/${space}/queries/`
    const names = Object.keys(this.#document.paths)
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
    options(panel.querySelector('[name=query]'), names)
    this.#example()
  }

  /** What to ask with, as the documentation has it. */
  #example() {
    const panel = this.#panels.query
    const [space, query] = ['space', 'query'].map(
      (name) => panel.querySelector(`[name=${name}]`).value,
    )
    const { post } = this.#document?.paths[`/${space}/queries/${query}`] ?? {}
    const { example, examples, schema } = post?.requestBody?.content?.['application/json'] ?? {}
    const [first] = Object.values(examples ?? {})
    const input = example ?? first?.value ?? schema?.example ?? schema?.examples?.[0] ?? {}
    panel.querySelector('textarea').value = JSON.stringify(input, null, 2)
  }

  async #run() {
    const panel = this.#panels.query
    const [space, query, body] = ['space', 'query', 'input'].map(
      (name) => panel.querySelector(`[name=${name}]`).value,
    )
    const note = panel.querySelector('.note')
    const answered = panel.querySelector('pre')
    const isExplained = panel.querySelector('[name=explain]').checked
    const began = performance.now()
    const answer = await fetch(`${this.#grid}/${space}/queries/${query}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...this.headers,
        ...(isExplained ? { 'grid-explain': 'true' } : {}),
      },
      body,
    }).catch(() => undefined)
    if (!answer) return setText(note, 'The grid cannot be reached')
    const took = performance.now() - began
    const told = await answer.json().catch(() => ({}))
    const { explanation = [], result, detail, ...rest } = told
    setText(
      note,
      answer.ok
        ? `Answered in ${ms(took)}, at position ${rest.position}`
        : `${answer.status}: ${detail ?? rest.title ?? 'no answer'}`,
    )
    setHidden(answered, !answer.ok)
    const text = JSON.stringify(result, null, 2) ?? ''
    setText(
      answered,
      text.length > valueLength
        ? `${text.slice(0, valueLength)}\n… ${count(text.length)} characters`
        : text,
    )
    panel.querySelector('.explained').replaceChildren(...explanation.map(explained))
  }

  #history() {
    return this.#panel(
      'history',
      form(
        () => void this.#read(),
        field('Space', make('select', { name: 'space' })),
        field('Cache', make('input', { name: 'cache', required: true })),
        field('Key', make('input', { name: 'key', required: true })),
        make('button', { className: 'primary' }, 'Read'),
      ),
      make('p', { className: 'note', aria: { role: 'status' } }),
      make('ol', { className: 'changes' }),
    )
  }

  #historyOf(space, cache, key) {
    const panel = this.#panels.history
    for (const [name, value] of Object.entries({ space, cache, key }))
      panel.querySelector(`[name=${name}]`).value = value
    this.#choose('history')
    this.#tabs.history.focus()
    void this.#read()
  }

  async #read() {
    const panel = this.#panels.history
    const [space, cache, key] = ['space', 'cache', 'key'].map(
      (name) => panel.querySelector(`[name=${name}]`).value,
    )
    const note = panel.querySelector('.note')
    const path = `/${space}/caches/${encodeURIComponent(cache)}/${encodeURIComponent(key)}/history`
    setText(note, 'Making the past again')
    const answer = await fetch(this.#grid + path, { headers: this.headers }).catch(() => undefined)
    const told = await answer?.json().catch(() => undefined)
    const changes = (answer?.ok && told?.changes) || []
    const refusal = answer
      ? `${answer.status}: ${told?.detail ?? 'no answer'}`
      : 'The grid cannot be reached'
    const since = told?.since ? `, known since ${new Date(told.since.time).toLocaleString()}` : ''
    setText(
      note,
      answer?.ok
        ? `${changes.length === 0 ? 'No changes' : `The newest first`}${since}. PAST_MS says how long the past is kept.`
        : refusal,
    )
    panel.querySelector('ol').replaceChildren(...changes.map(changed))
  }
}

const field = (name, input, className = '') =>
  make('label', { className }, make('span', {}, name), input)

const form = (submit, ...children) =>
  make(
    'form',
    {
      className: 'fields',
      on: {
        submit: (event) => {
          event.preventDefault()
          submit()
        },
      },
    },
    ...children,
  )

const button = (name, click, className) =>
  make('button', { type: 'button', className, on: { click } }, name)

function options(select, names) {
  const before = select.value
  select.replaceChildren(...names.map((name) => make('option', { value: name }, name)))
  if (names.includes(before)) select.value = before
}

function explained({ unit, partition, position, ageMs, tookMs, reads }) {
  const where = partition === undefined ? unit : `${unit}, partition ${partition}`
  return make(
    'div',
    { className: 'explanation' },
    make('p', {}, `${where}, at position ${position}, ${ms(ageMs)} old, handler ${ms(tookMs)}`),
    make(
      'ul',
      {},
      ...reads.map(({ kind, cache, index, projection, times, examined, returned }) =>
        make(
          'li',
          {},
          `${kind} of ${cache ?? projection}${index ? ` by ${index}` : ''}, ${count(times)} times: ${count(examined)} looked at, ${count(returned)} given`,
        ),
      ),
    ),
  )
}

function changed({ time, change, position, unit, command, due, from, to }) {
  const by = command ?? (due ? 'it was due' : 'nobody is known')
  return make(
    'li',
    {},
    make(
      'p',
      {},
      make('b', {}, change),
      ` at ${new Date(time).toLocaleString()}, position ${position}: ${by}${unit ? `, by ${unit}` : ''}`,
    ),
    make('code', {}, difference(from, to)),
  )
}

/** The fields that are other ones than before. */
function difference(before, after) {
  const [from, to] = [before ?? {}, after ?? {}]
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  const text = (value) => (value === undefined ? '–' : JSON.stringify(value))
  const changes = names.filter((name) => text(from[name]) !== text(to[name]))
  return changes.map((name) => `${name}: ${text(from[name])} → ${text(to[name])}`).join('\n')
}
