import { Type } from 'spacegrid'
import { readSettings } from 'spacegrid/settings'
import type { ShopOptions } from './space.ts'

const settings = Type.Object({
  AMOUNT_MAX: Type.Integer({
    minimum: 1,
    default: 1000,
    description: 'The largest order',
    allowed: 'an integer from 1',
  }),
})

export const readShopSettings = (): ShopOptions => ({
  amountMax: readSettings(settings).AMOUNT_MAX,
})
