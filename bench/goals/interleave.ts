/** Something that gives a sample when its turn comes. */
export interface Contender<T> {
  readonly name: string
  readonly sample: () => Promise<T>
}

/**
 * Everybody in turn, round after round, so that what else happens on the machine meets all of them
 * alike. Each round begins with another one: nobody always follows the same.
 */
export async function interleave<T>(
  contenders: readonly Contender<T>[],
  rounds: number,
  tick: (name: string, round: number) => void = () => undefined,
): Promise<Map<string, T[]>> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as T[]]))
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < contenders.length; turn++) {
      const { name, sample } = contenders[(round + turn) % contenders.length] as Contender<T>
      tick(name, round)
      samples.get(name)?.push(await sample())
    }
  return samples
}
