// The page works without this: it then loads itself again when the waiting room says so.
{
  const main = document.querySelector('main')
  const { path, ticket, retry, ahead, until, again, state } = main.dataset
  const byId = (id) => document.getElementById(id)
  const number = new Intl.NumberFormat('en')
  let first

  const show = ({ ahead, estimateText }) => {
    first ??= ahead
    byId('ahead').textContent = ahead === 0 ? 'Next' : number.format(ahead)
    byId('of').textContent = ahead === 0 ? 'in line' : 'ahead of you'
    byId('estimate').textContent = estimateText
    document.title = ahead === 0 ? 'Next in line' : `${number.format(ahead)} ahead of you`
    const progress = byId('progress')
    progress.hidden = first === 0
    progress.value = first === 0 ? 0 : 1 - ahead / first
  }

  const told = (text) => {
    // Said once: who listens to the page is not told the same again and again.
    if (byId('told').textContent !== text) byId('told').textContent = text
  }

  const look = async () => {
    let pause = 5000
    try {
      const headers = { accept: 'application/json', 'grid-ticket': ticket }
      const response = await fetch(path, { headers, cache: 'no-store' })
      const place = await response.json()
      pause = place.retryAfterMs ?? 1000 * Number(response.headers.get('retry-after') ?? 5)
      if (response.ok && place.state !== 'waiting') return location.reload()
      if (response.ok) {
        show(place)
        told('This page keeps itself up to date. Your place is kept if you close it and come back.')
      } else if (response.status === 503 || response.status === 429) {
        told('The waiting room is busy. Your place is kept.')
      } else return location.reload()
    } catch {
      told('You seem to be offline. Your place is kept; this page goes on by itself.')
    }
    setTimeout(look, Math.max(1000, pause))
  }

  if (ticket !== undefined && retry !== undefined) {
    first = Number(ahead)
    setTimeout(look, Math.max(1000, Number(retry)))
  }
  if (state === 'admitted') {
    const go = byId('go')
    if (go) setTimeout(() => go.click(), 5000)
    const left = () => {
      const minutes = Math.round((Number(until) - Date.now()) / 60000)
      if (Number(until) < Date.now()) return location.reload()
      byId('left').textContent =
        minutes < 1 ? 'less than a minute' : minutes === 1 ? '1 minute' : `${minutes} minutes`
      setTimeout(left, 5000)
    }
    left()
  }
  if (again !== undefined) setTimeout(() => location.reload(), Number(again))
}
