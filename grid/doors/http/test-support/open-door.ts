import { onTestFinished } from 'vitest'
import { createHttpServer, type HttpOptions } from '../http-server.ts'
import { MemoryGrid, MemoryServing } from './memory-serving.ts'
import { depot, shop } from './shop-space.ts'

/** Two units of `shop` on one grid and one of `depot`, behind one door. */
export function openDoor(options: Partial<HttpOptions> = {}) {
  const grid = new MemoryGrid()
  const units = ['shop-1', 'shop-2'].map((name) => new MemoryServing(name, shop, grid))
  const faults: Record<string, unknown>[] = []
  const warnings: Record<string, unknown>[] = []
  const log = {
    error: (fields: object) => void faults.push({ ...fields }),
    warn: (fields: object) => void warnings.push({ ...fields }),
  }
  const all = [...units, new MemoryServing('depot-1', depot)]
  const app = createHttpServer(all, { log, ...options })
  onTestFinished(() => app.close())
  const command = (name: string, body: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: `/shop/commands/${name}`,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, units, grid, faults, warnings, command, get }
}
