import { Type } from 'spacegrid'
import { readSettings } from 'spacegrid/settings'
import { createHistories } from './histories-space.ts'

const settings = Type.Object({
  PARTITIONS: Type.Integer({
    minimum: 1,
    maximum: 1024,
    default: 1,
    description: 'partitions of the space',
    allowed: 'an integer from 1 to 1024',
  }),
})

export default createHistories(readSettings(settings).PARTITIONS)
