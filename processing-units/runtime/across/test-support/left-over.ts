import type { WorldMember } from '../../partitions/test-support/partitioned-world.ts'

/** What is held, or remembered until all have finished, in any copy of those that are alive. */
export const leftOver = (members: readonly WorldMember[]): readonly string[] =>
  members
    .filter(({ host }) => host.alive)
    .flatMap(({ unit }) => [...unit.parts])
    .flatMap(([log, { state }]) => {
      // One that has only begun to read its log does not know of any.
      if (!state || state.layout.commits < 0) return []
      const commits = state.cache(state.layout.commits).entries
      return [
        ...[...state.holds.all()].map(({ attempt }) => `${log} holds ${attempt}`),
        ...[...commits.keys()].map((attempt) => `${log} remembers ${attempt}`),
      ]
    })
