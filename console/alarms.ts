import { clockJumpMsMax } from '@spacegrid/grid/core/limits'
import { spaceOf } from '@spacegrid/grid/core/log-name'
import { fullShare, roomShare } from '@spacegrid/grid/engine/memory/memory-watch'
import { figuresIn, type Heard, isUnit, memoryOf } from './heard.ts'
import type { Alarm, Point, SpaceView } from './snapshot.ts'

/** Positions behind the log from which it is said; beyond 10,000 a unit is not ready. */
const lagMax = 1000
/** Records that wait before a role is called behind, once they do so for a while. */
const behindMax = 2000
/** Share of the room of a log from which it is said, and from which it is urgent. */
const fillingShare = 0.7
const nearlyFullShare = 0.9
const alarmsMax = 50

/** Each makes alarms of what is known. A new one is one more function. */
const rules: readonly ((known: Known) => readonly Alarm[])[] = [
  readiness,
  silence,
  missingRoles,
  divergence,
  lag,
  behind,
  memory,
  logFull,
  placementLack,
  shedding,
  quarantine,
  deadLetters,
  clocks,
]

interface Known {
  readonly all: readonly Heard[]
  /** Of those that have not gone silent. */
  readonly heard: readonly Heard[]
  readonly spaces: readonly SpaceView[]
  /** The last ones, oldest first. */
  readonly points: readonly Point[]
}

/** The worst first, of each level in the order of the rules. */
export function alarmsOf(
  all: readonly Heard[],
  spaces: readonly SpaceView[],
  points: readonly Point[],
): Alarm[] {
  const known = { all, spaces, points, heard: all.filter(({ silent }) => !silent) }
  const found = rules.flatMap((rule) => rule(known))
  const of = (level: Alarm['level']) => found.filter((alarm) => alarm.level === level)
  return [...of('bad'), ...of('warn')].slice(0, alarmsMax)
}

function readiness({ heard }: Known): Alarm[] {
  return heard
    .filter(({ now }) => !now.told.ready)
    .map(({ now: { told } }) => {
      const joining = told.reasons.some((reason) => reason.includes('rehydrating'))
      return {
        id: `not-ready ${told.unit}`,
        level: joining ? 'warn' : 'bad',
        text: `${told.unit} is not ready: ${told.reasons[0] ?? 'it does not say why'}`,
        advice: joining
          ? 'It is loading its data and serves as soon as it has them: wait.'
          : 'It gets no work meanwhile. Its log says more; the table of what to do names each cause.',
        doc: 'operations.md#what-to-do-when',
      }
    })
}

function silence({ all }: Known): Alarm[] {
  return all
    .filter(({ silent }) => silent)
    .map(({ now: { told } }) => ({
      id: `silent ${told.unit}`,
      level: 'bad',
      text: `${told.unit} has gone: it does not answer any more`,
      advice: isUnit(told)
        ? 'Nothing that was acknowledged is lost, the other units serve. Start it again, or another one.'
        : 'Whoever stands by takes over; what waits in the log waits. Start it again.',
      doc: 'operations.md#what-runs',
    }))
}

function missingRoles({ spaces }: Known): Alarm[] {
  const roles = [
    ['pump', 'data pump', 'changes stay in the log and nothing is stored'],
    ['writer', 'data writer', 'changes stay in the queue and nothing is stored'],
  ] as const
  return spaces.flatMap((space) =>
    roles
      .filter(([role]) => space[role] === 'none')
      .map(([role, name, effect]) => ({
        id: `no-${role} ${space.space}`,
        level: 'bad' as const,
        text: `No ${name} works for ${space.space}: ${effect}`,
        advice: `Start one: npx spacegrid ${name.replace(' ', '-')}.`,
        doc: 'operations.md#what-runs',
      })),
  )
}

function divergence({ heard }: Known): Alarm[] {
  return heard.flatMap(({ now: { told } }) =>
    figuresIn(told)
      .filter(([, { audit }]) => (audit?.drift ?? 0) > 0)
      .map(([log]) => ({
        id: `diverged ${told.unit} ${log}`,
        level: 'bad' as const,
        text: `${told.unit} and another copy of ${log} differ`,
        advice:
          'Whoever is wrong leaves service and loads its data anew by itself; npx spacegrid audit compares all copies in full.',
        doc: 'operations.md#audit',
      })),
  )
}

function lag({ heard }: Known): Alarm[] {
  return heard
    .filter(({ now: { told } }) => isUnit(told) && told.ready)
    .flatMap(({ now: { told } }) =>
      figuresIn(told)
        .filter(([, figures]) => (figures.lag ?? 0) > lagMax)
        .map(([log, figures]) => ({
          id: `lag ${told.unit} ${log}`,
          level: 'warn' as const,
          text: `${told.unit} is ${count(figures.lag ?? 0)} records behind the log of ${log}`,
          advice:
            'Its answers are that much older. Beyond 10,000 it leaves service until it has caught up; more units or partitions share the work.',
          doc: 'queries.md#how-old-an-answer-is',
        })),
    )
}

/** Only when it has been so for a while: in a spike queues are what they are for. */
function behind({ spaces, points }: Known): Alarm[] {
  const lasts = (field: 'toPump' | 'toWriter') =>
    points.length >= 10 && points.slice(-10).every((point) => point[field] > behindMax)
  return spaces.flatMap((space) => [
    ...(lasts('toWriter') && space.toWriter > behindMax
      ? [
          {
            id: `writer-behind ${space.space}`,
            level: 'warn' as const,
            text: `MongoDB is ${count(space.toWriter)} records behind ${space.space}`,
            advice:
              'Commands do not wait for it, and the queue keeps everything. See that MongoDB is there and quick; when the log is full, commands get 507.',
            doc: 'operations.md#what-to-do-when',
          },
        ]
      : []),
    ...(lasts('toPump') && space.toPump > behindMax
      ? [
          {
            id: `pump-behind ${space.space}`,
            level: 'warn' as const,
            text: `The data pump is ${count(space.toPump)} records behind the log of ${space.space}`,
            advice:
              'See that it runs and has a processor to itself; partitions are shared by several pumps.',
            doc: 'operations.md#what-runs',
          },
        ]
      : []),
  ])
}

function memory({ heard }: Known): Alarm[] {
  const told = heard.flatMap(({ now }) => {
    const memory = memoryOf(now.told)
    return memory ? [{ unit: now.told.unit, share: memory.usedBytes / memory.budgetBytes }] : []
  })
  return told
    .filter(({ share }) => share >= roomShare)
    .map(({ unit, share }) => ({
      id: `memory ${unit}`,
      level: share >= fullShare ? 'bad' : 'warn',
      text: `${unit} has filled ${Math.round(share * 100)} % of its memory budget`,
      advice:
        share >= fullShare
          ? 'Commands that add get 507 on all units until it holds less: delete, archive, or give every unit more memory (MEMORY_MAX).'
          : 'At 75 % nothing can be added any more: add units to a divided space, or give every unit more memory (MEMORY_MAX).',
      doc: 'operations.md#memory',
    }))
}

/** Before commands are turned away, and when they are. */
function logFull({ spaces }: Known): Alarm[] {
  return spaces.flatMap(({ space, outcomes, logFilled }): Alarm[] => {
    const doc = 'operations.md#what-to-do-when'
    if ((outcomes.log_full ?? 0) > 0)
      return [
        {
          ...{ id: `log-full ${space}`, level: 'bad', doc },
          text: `The log of ${space} is at its limit: commands get 507`,
          advice:
            'Usually because MongoDB is away: bring it back, the writer catches up and the log is trimmed. Nothing is lost.',
        },
      ]
    if (logFilled < fillingShare) return []
    return [
      {
        ...{ id: `log-filling ${space}`, doc },
        level: logFilled >= nearlyFullShare ? 'bad' : 'warn',
        text: `The log of ${space}, or its change queue, has filled ${Math.floor(logFilled * 100)} % of its room: when it is full commands get 507`,
        advice:
          'See that MongoDB is there, and that the data pump and the data writer work: the log is trimmed as what is in it is stored. Or give the stream more bytes.',
      },
    ]
  })
}

function placementLack({ heard }: Known): Alarm[] {
  const [first] = heard.flatMap(({ now }) => (now.told.placement ? [now.told.placement] : []))
  return Object.entries(first ?? {}).flatMap(([space, placement]): Alarm[] => {
    const { homes, scarce, missing } = placement
    const homeless = homes.filter((home) => home === null).length
    if (homeless > 0)
      return [
        {
          id: `homeless ${space}`,
          level: 'bad' as const,
          text: `Nobody keeps ${partitions(homeless)} of ${space}: requests for them get 503`,
          advice:
            'Units load them from one another or from the store within seconds; if not, start more units.',
          doc: 'operations.md#partitions',
        },
      ]
    if (missing > 0)
      return [
        {
          id: `missing ${space}`,
          level: 'warn' as const,
          text: `No unit has room for ${missing} copies of ${space}`,
          advice: 'One more failure may leave partitions with nobody: add units.',
          doc: 'operations.md#partitions',
        },
      ]
    if (scarce.length === 0) return []
    return [
      {
        id: `scarce ${space}`,
        level: 'warn' as const,
        text: `${partitions(scarce.length)} of ${space} have fewer copies than they should`,
        advice: 'Units make new ones by themselves; wait while copies move.',
        doc: 'operations.md#partitions',
      },
    ]
  })
}

function shedding({ spaces }: Known): Alarm[] {
  return spaces
    .filter(({ outcomes }) => (outcomes.overloaded ?? 0) >= 1)
    .map(({ space, outcomes, commandsPerSecond }) => ({
      id: `shedding ${space}`,
      level: 'warn',
      text: `${space} turns away ${share(outcomes.overloaded ?? 0, commandsPerSecond)} of its commands: more is asked than its units can do in good time`,
      advice:
        'What is taken stays quick, the others are told when to come back. Add units if this is to last.',
      doc: 'overload.md#who-is-turned-away-first',
    }))
}

function quarantine({ spaces }: Known): Alarm[] {
  return spaces
    .filter(({ quarantined }) => quarantined > 0)
    .map(({ space, quarantined }) => ({
      id: `quarantine ${space}`,
      level: 'bad',
      text: `MongoDB refuses ${count(quarantined)} entries of ${space} for what they are`,
      advice:
        'Everything else is stored. npx spacegrid quarantine list says why; then fix or replay.',
      doc: 'operations.md#quarantine',
    }))
}

function deadLetters({ spaces }: Known): Alarm[] {
  return spaces
    .filter(({ deadLetters }) => deadLetters > 0)
    .map(({ space, deadLetters }) => ({
      id: `dead ${space}`,
      level: 'bad',
      text: `${count(deadLetters)} reactions of ${space} could not be done`,
      advice: 'npx spacegrid reactions list says which and why; replay or drop them.',
      doc: 'operations.md#reactions',
    }))
}

function clocks({ heard }: Known): Alarm[] {
  const wrong = heard.flatMap(({ now: { told } }) =>
    figuresIn(told)
      .filter(([, { clock }]) => Math.abs(clock?.differenceMs ?? 0) > clockJumpMsMax)
      .map(([log, { clock }]) => ({ unit: told.unit, log, ms: clock?.differenceMs ?? 0 })),
  )
  return [...Map.groupBy(wrong, ({ unit }) => unit)].map(([unit, [first]]) => ({
    id: `clock ${unit}`,
    level: 'warn',
    text: `The clock of ${unit}'s machine is ${(Math.abs(first?.ms ?? 0) / 1000).toFixed(1)} s off the time of ${spaceOf(first?.log ?? '')}`,
    advice: 'Set it right (NTP, chrony). The unit need not be restarted.',
    doc: 'operations.md#clocks',
  }))
}

const numbers = new Intl.NumberFormat('en')
const count = (value: number): string => numbers.format(value)
const partitions = (value: number): string => (value === 1 ? '1 partition' : `${value} partitions`)

function share(part: number, all: number): string {
  const percent = all <= 0 ? 100 : Math.min(100, (part / all) * 100)
  return percent < 1 ? 'less than 1 %' : `${Math.round(percent)} %`
}
