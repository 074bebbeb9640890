import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { GridError } from '../../core/errors.ts'
import type { LineName } from '../../core/waiting-room.ts'
import type { LineOutside, Place, WaitEstimate } from '../request/line-serving.ts'
import { waitText } from '../request/wait-text.ts'
import { escaped } from './escaped.ts'

const read = (file: URL): string => readFileSync(file, 'utf8')
const style = read(new URL('./line-page.css', import.meta.url))
const script = read(new URL('./line-script.js', import.meta.url))

const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing from elsewhere, and nothing that somebody has written into the page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // The ticket may stand in the address.
  'referrer-policy': 'same-origin',
  'content-security-policy': [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "connect-src 'self'",
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
}

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230f766e'/%3E%3C/svg%3E"

interface Parts {
  readonly title: string
  readonly line: LineName
  readonly body: string
  /** For browsers without JavaScript, s. */
  readonly refresh?: { readonly seconds: number; readonly url?: string }
  /** What the script goes on with. */
  readonly data?: Readonly<Record<string, string | number>>
}

function page({ title, line, body, refresh, data = {} }: Parts): string {
  const attributes = Object.entries(data).map(
    ([name, value]) => ` data-${name}="${escaped(String(value))}"`,
  )
  const again = refresh
    ? `<noscript><meta http-equiv="refresh" content="${refresh.seconds}${refresh.url === undefined ? '' : `;url=${escaped(refresh.url)}`}"></noscript>`
    : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<link rel="icon" href="${icon}">
${again}<style>${style}</style>
</head>
<body>
<main${attributes.join('')}>
<p class="line">${escaped(line)}</p>
${body}
</main>
<script>${script}</script>
</body>
</html>
`
}

const form = (
  path: string,
  fields: Readonly<Record<string, string>>,
  button: string,
  kind: string,
) =>
  `<form method="post" action="${escaped(path)}">${Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`)
    .join('')}<button class="${kind}" type="submit">${button}</button></form>`

const numberText = (value: number): string => new Intl.NumberFormat('en').format(value)

const estimateText = (estimate: WaitEstimate | undefined): string =>
  estimate ? waitText(estimate) : 'not known yet'

export function outsidePage(
  { line, waiting, estimate }: LineOutside,
  path: string,
  openLanes: readonly string[],
): string {
  const choices = openLanes.map((lane) => form(path, { lane }, `Join: ${escaped(lane)}`, 'second'))
  return page({
    title: 'Waiting room',
    line,
    body: `<h1>There is a line</h1>
<p>Many want to come in at the same time. Join the line: your place is kept, and nobody gets ahead of you by reloading.</p>
<dl>
<div><dt>Waiting</dt><dd>${numberText(waiting)}</dd></div>
<div><dt>Wait for a new place</dt><dd>${waiting === 0 ? 'none' : estimateText(estimate)}</dd></div>
</dl>
${form(path, {}, 'Join the line', 'first')}
${choices.join('\n')}`,
  })
}

export function waitingPage(place: Place & { readonly state: 'waiting' }, path: string): string {
  const { line, number, ahead, estimate, retryAfterMs, ticket, lane } = place
  const seconds = Math.ceil(retryAfterMs / 1000)
  return page({
    title: ahead === 0 ? 'Next in line' : `${numberText(ahead)} ahead of you`,
    line,
    refresh: { seconds },
    data: { path, ticket, retry: retryAfterMs, ahead },
    body: `<h1>You are in line</h1>
<p class="ahead"><strong id="ahead">${ahead === 0 ? 'Next' : numberText(ahead)}</strong> <span id="of">${ahead === 0 ? 'in line' : 'ahead of you'}</span></p>
<progress id="progress" max="1" value="0" hidden aria-label="How far the line has moved since you came to this page"></progress>
<dl>
<div><dt>Expected wait</dt><dd id="estimate">${estimateText(estimate)}</dd></div>
<div><dt>Your place</dt><dd>${numberText(number)}${lane === 'general' ? '' : ` (${escaped(lane)})`}</dd></div>
</dl>
<p id="told" role="status" class="quiet">This page keeps itself up to date. Your place is kept if you close it and come back.</p>
${form(path, { action: 'leave', ticket }, 'Leave the line', 'second')}`,
  })
}

export function admittedPage(
  place: Place & { readonly state: 'admitted' },
  path: string,
  target: string | undefined,
): string {
  const { line, until, ticket } = place
  const minutes = Math.max(1, Math.round((until - Date.now()) / 60_000))
  const go =
    target === undefined
      ? ''
      : `<p><a class="first" id="go" href="${escaped(target)}">Go in</a></p>`
  return page({
    title: 'It is your turn',
    line,
    ...(target === undefined ? {} : { refresh: { seconds: 5, url: target } }),
    data: { until, state: 'admitted' },
    body: `<h1>It is your turn</h1>
<p role="status">You may come in, and stay for <strong id="left">${minutes} ${minutes === 1 ? 'minute' : 'minutes'}</strong>.</p>
${go}
${form(path, { action: 'leave', ticket }, 'I do not want to any more', 'second')}`,
  })
}

export const overPage = ({ line }: Place & { readonly state: 'over' }, path: string): string =>
  page({
    title: 'Your turn is over',
    line,
    body: `<h1>Your turn is over</h1>
<p>Your place came up, and its time has passed. You can join the line again, at its end.</p>
${form(path, {}, 'Join the line again', 'first')}`,
  })

export const faultPage = (error: GridError, path: string): string =>
  page({
    title: 'Waiting room',
    line: '',
    ...(error.retryable ? { refresh: { seconds: 5 }, data: { again: 5000 } } : {}),
    body: `<h1>${error.retryable ? 'One moment' : 'This did not work'}</h1>
<p role="alert">${escaped(error.message)}</p>
${error.code === 'ticket_invalid' ? form(path, {}, 'Join the line', 'first') : ''}
<p class="quiet">${error.code}</p>`,
  })
