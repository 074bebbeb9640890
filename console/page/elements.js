/**
 * Makes and changes what the page consists of. Everything that comes from the grid goes through
 * here as text, never as markup.
 */

export const element = (id) => document.getElementById(id)

/**
 * @param properties of the element; `data` and `aria` with their parts, `on` with listeners
 * @param children elements or text
 */
export function make(name, { data = {}, aria = {}, on = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  Object.assign(made.dataset, data)
  for (const [attribute, value] of Object.entries(aria))
    made.setAttribute(attribute === 'role' ? 'role' : `aria-${attribute}`, value)
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener)
  made.append(...children)
  return made
}

/** What may be wider than the page: it is scrolled by keys as well. */
export const scrolled = (label, ...children) =>
  make('div', { className: 'scroll', tabIndex: 0, aria: { role: 'region', label } }, ...children)

/** Only when it is another one: what does not change is not announced, and does not jump. */
export function setText(target, text) {
  const shown = String(text)
  if (target.textContent !== shown) target.textContent = shown
}

export function setHidden(target, hidden) {
  if (target.hidden !== hidden) target.hidden = hidden
}

export function setData(target, name, value) {
  if (target.dataset[name] !== String(value)) target.dataset[name] = value
}

/**
 * Keeps the children of an element in step with a list: those that stay are changed in place, so
 * that focus, hovering and selection stay where they are.
 * @param keyOf tells the items apart
 * @param create makes the element of a new one
 * @param update changes the element of each
 */
export function keep(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  let at = 0
  for (const item of items) {
    const key = String(keyOf(item))
    let child = known.get(key)
    known.delete(key)
    if (!child) {
      child = create(item)
      child.dataset.key = key
    }
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null)
    update(child, item)
    at++
  }
  for (const child of known.values()) child.remove()
}

/**
 * Does something again and again while the page is seen: nobody is asked anything for a page that
 * nobody looks at.
 */
export async function whileSeen(pauseMs, look) {
  for (;;) {
    while (document.hidden)
      await new Promise((wake) =>
        document.addEventListener('visibilitychange', wake, { once: true }),
      )
    await look().catch(() => undefined)
    await new Promise((wake) => setTimeout(wake, pauseMs))
  }
}

/**
 * A colour of the theme as canvases take it.
 * @param alpha 0 to 1
 */
export function colorOf(name, alpha = 1) {
  const probe = make('i', { hidden: true })
  probe.style.color = `color-mix(in srgb, var(${name}) ${alpha * 100}%, transparent)`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
