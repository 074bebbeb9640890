import { Type } from 'typebox'
import type { Static } from './data-types.ts'

export { defineCache } from './define-cache.ts'
export { type AnswerData, type CommandOptions, defineCommand } from './define-command.ts'
export { defineQuery, type QueryOptions } from './define-query.ts'
export { defineSpace, type SpaceOptions } from './define-space.ts'
export { defineProjection, join } from './projection/define-projection.ts'
export { mergeRows } from './projection/merge-rows.ts'
export { rowKey } from './projection/row-key.ts'
export type { Static }
/** Re-exported so that an application needs one import to declare its data. */
export { Type }
