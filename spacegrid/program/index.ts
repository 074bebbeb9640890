/** A processing unit as a program: an application's `main.ts`. */

export type { Environment } from '@spacegrid/grid/program/environment'
export { type MakeUnitSpaces, runProcessingUnit } from '@spacegrid/runtime/program'
