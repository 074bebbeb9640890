/** What runs of a grid's units, as whatever starts and stops them says. */
export interface Deployed {
  /** Units that there are to be, as it was told last. */
  readonly wanted: number
  /** Those that run and are on their way into service. */
  readonly starting: number
  /** Those that serve. */
  readonly ready: number
  /** Those that stand by warm, and serve as soon as they are called up. */
  readonly spares: number
}

/**
 * What starts and stops units. It is told how many there are to be, not what to do: to be told
 * twice, by two, or once more after an answer was lost, makes no unit too many.
 */
export interface Driver {
  /** As people know it. */
  readonly name: string
  /** Whether units run on the machine of this process, and take from its processor. */
  readonly isHere: boolean
  /** @throws GridError when it cannot be found out just now */
  look(): Promise<Deployed>
  /**
   * Those that are too many stop in good order: what they have begun is answered, and they say
   * goodbye.
   * @param term of the one who decides: where the driver can tell, one with a lower term than
   * somebody before is refused
   * @throws GridError `fenced` in that case; others when it cannot be done just now
   */
  scale(units: number, term: number): Promise<void>
  close(): Promise<void>
}
