/** The grid in one process: log and store on disk, no server needed. */

export type { Environment } from '@spacegrid/grid/program/environment'
export { type EmbeddedPlace, type MakeSpaces, runEmbeddedGrid } from './serve-embedded.ts'
