import { runEmbeddedGrid } from 'spacegrid/embedded'
import { readShopSettings } from './settings.ts'
import { createShop } from './space.ts'

await runEmbeddedGrid(
  () => [createShop(readShopSettings())],
  ({ url, adminUrl }) => console.log(JSON.stringify({ url, adminUrl })),
)
