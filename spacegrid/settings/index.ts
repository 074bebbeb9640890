/**
 * An application's own settings: read from the environment, checked and refused as the library does
 * with its own.
 */

export { partitionsSetting, readSettings, type Variables } from '@spacegrid/grid/program/settings'
