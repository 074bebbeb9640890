import type { AddressInfo } from 'node:net'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { MemoryServing } from '@spacegrid/grid/doors/http/test-support/memory-serving'
import { shop } from '@spacegrid/grid/doors/http/test-support/shop-space'
import { browserProgram, startBrowser } from '@spacegrid/proof/support/browser'
import { expect, test } from 'vitest'

// Skipped: where there is no Chromium (CHROMIUM_BINARY, or on PATH) there is nothing to try it in.
test.skipIf(browserProgram() === undefined)(
  'the page of the documentation works within what its headers let it do',
  { timeout: 120_000 },
  async () => {
    const app = createHttpServer([new MemoryServing('shop-1', shop)], {
      log: { error: () => undefined, warn: () => undefined },
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const browser = await startBrowser()
    const page = await browser.newPage()
    const refused: string[] = []
    page.on('console', (message) => {
      if (/Content.Security.Policy|refused/i.test(message.text())) refused.push(message.text())
    })
    page.on('pageerror', (error) => refused.push(String(error)))
    await page.goto(`http://127.0.0.1:${port}/docs`)
    await page.click('.opblock-get:has-text("/shop/queries/echo") .opblock-summary-control')
    await page.click('.opblock.is-open .execute')
    await page.waitForSelector('.opblock.is-open .live-responses-table .response-col_status')
    expect(refused).toEqual([])
    await page.goto(`http://127.0.0.1:${port}/`)
    expect(await page.textContent('h1')).toContain('Spacegrid')
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none')
    expect(refused).toEqual([])
    await browser.close()
    await app.close()
  },
)
