import type { FastifyInstance } from 'fastify'
import type { Space } from '../../core/definition.ts'
import { escaped } from './escaped.ts'
import { protectPages } from './page-headers.ts'

/**
 * At `/`, where no console is: what this is, and where to go.
 * @param spaces undefined: nobody is told which there are without saying who asks
 */
export async function addFrontPage(
  app: FastifyInstance,
  spaces: readonly Space[] | undefined,
  { title, version }: { readonly title: string; readonly version: string },
): Promise<void> {
  await protectPages(app)
  const page = frontPage(spaces, `${escaped(title)} ${escaped(version)}`)
  const config = { isPublic: true }
  app.get('/', { schema: { hide: true }, config }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  )
}

function frontPage(spaces: readonly Space[] | undefined, title: string): string {
  const names = spaces?.map(({ name }) => `<li><code>/${escaped(name)}</code></li>`) ?? []
  const what =
    spaces === undefined
      ? '<p>A processing unit of a data grid: it asks its callers who they are.</p>'
      : `<p>A processing unit of a data grid: it answers commands and queries of</p>
<ul>${names.join('')}</ul>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { max-width: 34rem; margin: 4rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${what}
<p><a href="/docs">What can be asked, to try</a>, and <a href="/openapi.json">as an OpenAPI document</a>.</p>
<p>How the grid fares is shown by its console (<code>npx spacegrid console</code>), and by each process at
<code>/status</code> of its administration port.</p>
</main>
</body>
</html>
`
}
