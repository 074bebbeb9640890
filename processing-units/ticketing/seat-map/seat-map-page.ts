import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const own = fileURLToPath(new URL('.', import.meta.url))
const root = join(own, '../../..')

/** What the page consists of, and where the modules are that it imports. */
const files = new Set(['index.html', 'seat-map.css', 'seat-map.js'])
const folders: readonly (readonly [prefix: string, folder: string])[] = [
  ['modules/spacegrid/client/', join(root, 'spacegrid/client/')],
  ['modules/grid/core/', join(root, 'grid/core/')],
  ['modules/fast-json-patch/', join(root, 'node_modules/fast-json-patch/')],
]

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/**
 * Serves the seat map page from an origin of its own, as any website would: the grid must let its
 * pages in (`CORS_ORIGINS`). Modules are handed out as they are in the sources, without types.
 */
export function seatMapPage(): Server {
  return createServer((request, response) => {
    answerOf(request.url ?? '/').then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      () => response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n'),
    )
  })
}

async function answerOf(url: string): Promise<{ readonly type: string; readonly body: string }> {
  const path = normalize(new URL(url, 'http://page').pathname).slice(1) || 'index.html'
  const file = placeOf(path)
  const extension = extname(file)
  const text = await readFile(file, 'utf8')
  return {
    type: types[extension] ?? 'text/javascript; charset=utf-8',
    body: extension === '.ts' ? stripTypeScriptTypes(text) : text,
  }
}

/** @throws Error for what is no part of the page */
function placeOf(path: string): string {
  if (files.has(path)) return join(own, path)
  const [prefix, folder] = folders.find(([begin]) => path.startsWith(begin)) ?? []
  if (prefix === undefined || folder === undefined) throw new Error(`${path} is not served`)
  const place = join(folder, path.slice(prefix.length))
  // Packages import each other's modules without their ending.
  return extname(place) === '' ? `${place}.ts` : place
}
