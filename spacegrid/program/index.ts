/** A processing unit as a program: an application's `main.ts`. */

export type { Environment } from '@spacegrid/grid/program/environment'
export { runProcessingUnit } from '@spacegrid/runtime/program'
