import { make } from './elements.js'

/** Nobody signs in here: whoever tries it is somebody of this page's. */
export const visitorId = () => `visitor-${Math.random().toString(36).slice(2, 10)}`

/**
 * Where there is nothing to be tried yet: one click makes it.
 * @param open makes it; it says by itself what went wrong
 */
export function offer(nothing, name, open) {
  const click = async ({ currentTarget: button }) => {
    button.disabled = true
    await open()
    button.disabled = false
  }
  return make(
    'div',
    { className: 'empty' },
    make('p', { textContent: nothing }),
    make('button', { type: 'button', textContent: name, on: { click } }),
  )
}

/** @param refusals what to say instead of the reasons that visitors meet */
export const refusalOf = (error, refusals) =>
  refusals[error.reason] ?? `That did not work: ${error.reason ?? error.message}`
