import { Failure } from '../command-line/failure.ts'

/** A recovery that would do harm, or nothing: not a fault, an answer. */
export class Refused extends Failure {
  override readonly name = 'Refused'
}
