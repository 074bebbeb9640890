import { readFile } from 'node:fs/promises'

/** The pages that alarms lead to, and those that these lead to. */
const pages: Readonly<Record<string, URL>> = {
  'console.md': new URL('../docs/console.md', import.meta.url),
  'operations.md': new URL('../docs/operations.md', import.meta.url),
  'overload.md': new URL('../docs/overload.md', import.meta.url),
  'partitions.md': new URL('../docs/partitions.md', import.meta.url),
  'queries.md': new URL('../docs/queries.md', import.meta.url),
  'past.md': new URL('../docs/past.md', import.meta.url),
  'live.md': new URL('../docs/live.md', import.meta.url),
  'http.md': new URL('../docs/http.md', import.meta.url),
  'reactions.md': new URL('../docs/reactions.md', import.meta.url),
  'errors.md': new URL('../docs/errors.md', import.meta.url),
}

/**
 * A page of the documentation as HTML, with its headings' anchors as GitHub makes them; undefined:
 * it is not among those that the console has.
 */
export async function docsPage(name: string): Promise<string | undefined> {
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined
  if (!page) return undefined
  // Whoever starts a grid does not wait for it.
  const { Marked } = await import('marked')
  const marked = new Marked()
  marked.use({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      link({ href, tokens }) {
        const inside = this.parser.parseInline(tokens)
        const [file = '', anchor] = href.split('#', 2)
        // Of what is not here the text stays.
        if (file !== '' && !Object.hasOwn(pages, file) && !/^https?:/.test(href)) return inside
        const target = anchor === undefined ? file : `${file}#${anchor}`
        return `<a href="${target.replaceAll('"', '%22')}">${inside}</a>`
      },
    },
  })
  const body = await marked.parse(await readFile(page, 'utf8'))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} – Spacegrid</title>
<link rel="icon" type="image/svg+xml" href="/console/icon.svg">
<script src="/console/theme.js"></script>
<link rel="stylesheet" href="/console/console.css">
</head>
<body class="doc"><main>${body}</main></body>
</html>
`
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')
