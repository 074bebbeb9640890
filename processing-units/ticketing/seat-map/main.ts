import type { AddressInfo } from 'node:net'
import { Type } from 'spacegrid'
import { readSettings } from 'spacegrid/settings'
import { seatMapPage } from './seat-map-page.ts'

const settings = Type.Object({
  PAGE_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 8088,
    description: 'Port of the seat map page',
    allowed: 'an integer from 0 to 65535 (0: any free port)',
  }),
})

const { PAGE_PORT: port } = readSettings(settings)
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
