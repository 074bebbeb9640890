import { Type } from 'spacegrid'
import { readSettings } from 'spacegrid/settings'
import { createTransfers } from './transfers-space.ts'

const settings = Type.Object({
  PARTITIONS: Type.Integer({
    minimum: 2,
    maximum: 1024,
    default: 8,
    description: 'partitions of the space',
    allowed: 'an integer from 2 to 1024',
  }),
})

export default createTransfers(readSettings(settings).PARTITIONS)
