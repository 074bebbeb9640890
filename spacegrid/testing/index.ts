/**
 * Tests of a space without servers and without waiting: the real meld, several processing units,
 * time that stands still until it is moved. Works with any test runner.
 */

export { ApplicationFault } from '@spacegrid/grid/core/application-fault'
export type { DomainEvent } from '@spacegrid/grid/core/steps'
export type { HarnessUnit } from './harness-unit.ts'
export {
  type CallStandIn,
  defineSimulation,
  type FindingRule,
  findingRules,
  type InputMaker,
  type Invariant,
  type Simulation,
  type SimulationOptions,
} from './simulation.ts'
export { SpaceHarness, type SpaceHarnessOptions } from './space-harness.ts'
export type { StartedCommand } from './started-command.ts'
export { TestGrid, type TestGridOptions, testGrid, type WhenOptions } from './test-grid.ts'
