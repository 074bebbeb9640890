import { element, setData, setHidden, setText } from './elements.js'

/** Without a word for so long, what is shown is old. The console speaks once a second. */
const silentMs = 4000
const againMs = 2000
const hiddenMs = 20_000

/**
 * The stream of what the grid is like. It connects again by itself, for as long as the page is open,
 * and says on the page when it is not connected.
 * @param hear told `hello` and `snapshot` with what they bring
 */
export function connect(hear) {
  let stream
  let heardAt = 0
  let lostAt
  const open = () => {
    stream = new EventSource('/console/live')
    for (const name of ['hello', 'snapshot'])
      stream.addEventListener(name, ({ data }) => {
        heardAt = Date.now()
        live()
        hear(name, JSON.parse(data))
      })
    stream.addEventListener('error', () => {
      lost('The console cannot be reached')
      // Refused, for now: a browser tries again by itself only after a connection that broke.
      if (stream.readyState === EventSource.CLOSED && !document.hidden) setTimeout(open, againMs)
    })
  }
  const live = () => {
    lostAt = undefined
    show('live', 'Live')
    setHidden(element('stale'), true)
    setData(document.body, 'stale', false)
  }
  const lost = (why) => {
    lostAt ??= heardAt || Date.now()
    show('lost', 'Disconnected')
    const time = new Date(lostAt).toLocaleTimeString()
    const shown = heardAt === 0 ? '' : ` What you see is as of ${time}.`
    setText(element('stale'), `${why}.${shown} Connecting again by itself.`)
    setHidden(element('stale'), false)
    setData(document.body, 'stale', true)
  }
  // A page that nobody sees asks for nothing: a browser has few connections for all of them.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      setTimeout(() => {
        if (!document.hidden) return
        stream.close()
        heardAt = 0
      }, hiddenMs)
    } else if (stream.readyState === EventSource.CLOSED) open()
  })
  setInterval(() => {
    if (lostAt === undefined && heardAt > 0 && Date.now() - heardAt > silentMs)
      lost('The console says nothing')
  }, 1000)
  open()
}

function show(state, text) {
  setData(element('connection'), 'state', state)
  setText(element('connection'), text)
}
