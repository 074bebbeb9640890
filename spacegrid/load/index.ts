/**
 * Scenarios for `npx spacegrid load`: what the users of an application do, and what must be true
 * afterwards.
 */

export type { Accepted, Answer, Failed, GridClient, Rejected, Shed } from '../client/index.ts'
export type { Random } from './random.ts'
export { type AuditCheck, check } from './scenario/audit-check.ts'
export {
  defineScenario,
  type Journey,
  type Run,
  type Scenario,
  type ScenarioDefinition,
} from './scenario/scenario.ts'
export type { AnswerWith, User } from './scenario/user.ts'
