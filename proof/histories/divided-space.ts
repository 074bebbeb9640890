import { createHistories } from './histories-space.ts'

export default createHistories(16)
