/** A rule of the design, and the change to the source that breaks it. */
export interface Rule {
  /** What the rule demands. */
  readonly name: string
  readonly file: string
  /** Text that stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /**
   * Tests that catch it where the simulator cannot: it lies below the simulated ports, or costs no
   * correctness of data.
   */
  readonly tests?: readonly string[]
}
