import { runProcessingUnit } from 'spacegrid/program'
import { readShopSettings } from './settings.ts'
import { createShop } from './space.ts'

await runProcessingUnit(() => createShop(readShopSettings()))
