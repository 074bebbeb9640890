import type { AddressInfo } from 'node:net'
import { seatMapPage } from './seat-map-page.ts'

const port = Number(process.env.PAGE_PORT ?? 8088)
const page = seatMapPage().listen(port, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
  process.stdout.write(`
The seat map is at ${url}/?event=concert
It asks a grid at http://127.0.0.1:8080 (&grid=URL: another one), which has to let it in:

  CORS_ORIGINS=${url} npm start

Ctrl-C stops it.
`)
})
page.on('error', (error) => {
  process.stderr.write(`PAGE_PORT=${port}: ${error.message}\n`)
  process.exitCode = 2
})
