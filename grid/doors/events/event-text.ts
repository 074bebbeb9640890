/** Types that the grid's own events have in a stream. */
const ownTypes = new Set(['entry', 'reset', 'reconnect', 'answer', 'patch', 'failure'])
/** What an EventSource dispatches by itself, or cannot. */
const reservedTypes = new Set(['open', 'error', 'message'])
const plainName = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/

/**
 * An event of a stream as it is sent (WHATWG HTML, 9.2 "Server-sent events"). JSON has no line
 * break of its own, so its text is one `data` line.
 */
export const eventText = (type: string, id: string | undefined, json: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${json}\n\n`

/** Moves a reader's id on without telling it anything; the comment keeps the connection alive. */
export const idText = (id: string | undefined): string =>
  id === undefined ? ':\n\n' : `:\nid: ${id}\n\n`

/** How long a reader waits before it connects again, ms. */
export const retryText = (ms: number): string => `retry: ${Math.round(ms)}\n\n`

/** The type of a domain event: its name, unless that would be taken for something else. */
export const typeOfEvent = (name: string): string =>
  plainName.test(name) && !ownTypes.has(name) && !reservedTypes.has(name) ? name : 'event'
