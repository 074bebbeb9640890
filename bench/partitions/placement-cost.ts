import { askedOf, keepersOf } from '@spacegrid/grid/engine/placement/keepers'
import type { CopyState, Member } from '@spacegrid/grid/engine/placement/member'
import { planOf } from '@spacegrid/grid/engine/placement/plan'
import { decodePresence, encodePresence } from '@spacegrid/grid/engine/placement/presence-message'
import { targetOf } from '@spacegrid/grid/engine/placement/target'
import { spreadOf } from '../goals/spread.ts'
import type { PartitionFigure, PartitionGoal } from './partition-goal.ts'

const unitCounts = [10, 100, 1000]
const partitionCounts = [16, 128, 1024]
const messagesPerSample = 2000
/** Where homes are depends on the name of the space. */
const spaces = ['shop', 'bank', 'tickets', 'auctions', 'stock']

/**
 * Processor time of placement, by units and partitions: of a plan, with everything in its place and
 * when one unit more has come, and of hearing one presence message. It has no goal; what it costs
 * is multiplied in docs/scale.md.
 */
export const placementCost: PartitionGoal = {
  name: 'placement',
  async measure(context, { copies }) {
    const figures: PartitionFigure[] = []
    for (const partitions of partitionCounts)
      for (const count of context.settings.small ? unitCounts.slice(0, 2) : unitCounts) {
        context.say(`${count} units, ${partitions} partitions`)
        const placing = { space: 'bench', partitions, copies }
        const settled = placed(placing, membersOf(count))
        const joined = [...settled, memberOf(count, new Map())]
        const plan = (members: readonly Member[]) =>
          planOf({ ...placing, members, self: (members[0] as Member).id, movesMax: 2 })
        const round = () => Array.from({ length: context.settings.rounds }, (_, at) => at)
        const series = `${partitions} partitions`
        const place = { series, xLabel: 'units', x: count }
        figures.push(
          {
            ...{ ...place, table: 'a plan, everything in its place', yLabel: 'ms' },
            y: spreadOf(round().map(() => cpuMs(() => plan(settled)))),
          },
          {
            ...{ ...place, table: 'a plan, one more unit has come', yLabel: 'ms' },
            y: spreadOf(round().map(() => cpuMs(() => plan(joined)))),
          },
          {
            ...{ ...place, table: 'who is asked, of all partitions', yLabel: 'ms' },
            y: spreadOf(round().map(() => cpuMs(() => askedOf({ ...placing, members: settled })))),
          },
          {
            ...{ ...place, table: 'one presence message heard', yLabel: 'µs' },
            y: spreadOf(round().map(() => heardUs(settled[0] as Member, partitions, copies))),
          },
          {
            ...{ ...place, table: 'one presence message', yLabel: 'bytes' },
            y: spreadOf([messageOf(settled[0] as Member, partitions, copies).length]),
          },
          {
            ...{ ...place, table: 'homes of the fullest unit', yLabel: 'times the mean' },
            y: spreadOf(spaces.map((space) => fullestHome({ ...placing, space }, count))),
          },
        )
      }
    return { rows: [], figures }
  },
}

const memberOf = (number: number, keeps: ReadonlyMap<number, CopyState>): Member => ({
  // As of `Random.integer`: ids tell nothing about their order.
  ...{ id: number * 7919 + 1, name: `unit-${number}`, role: 'unit', zone: undefined, weight: 4096 },
  ...{ full: false, stopping: false, keeps },
})

const membersOf = (count: number): Member[] =>
  Array.from({ length: count }, (_, number) => memberOf(number, new Map()))

function placed(placing: Placed, members: readonly Member[]): Member[] {
  const { owners } = targetOf({ ...placing, members })
  return members.map((member, number) => {
    const own = [...owners.keys()].filter((at) => owners[at]?.some(({ id }) => id === member.id))
    return memberOf(number, new Map(own.map((partition) => [partition, 'ready'])))
  })
}

type Placed = Omit<Parameters<typeof targetOf>[0], 'members'>

/** Commands go home, so the unit with most homes is at its limit first. */
function fullestHome(placing: Placed, count: number): number {
  const members = placed(placing, membersOf(count))
  const homes = new Map<number, number>()
  for (const [home] of keepersOf({ ...placing, members }))
    homes.set(home?.id ?? -1, (homes.get(home?.id ?? -1) ?? 0) + 1)
  return Math.max(...homes.values()) / (placing.partitions / count)
}

/** Of the second time: once compiled, as in a unit that has run for a while. */
function cpuMs(work: () => unknown): number {
  work()
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const messageOf = (member: Member, partitions: number, copies: number): Uint8Array =>
  encodePresence({ ...member, count: 1000, gone: false, partitions, copies })

function heardUs(member: Member, partitions: number, copies: number): number {
  const message = messageOf(member, partitions, copies)
  const ms = cpuMs(() => {
    for (let turn = 0; turn < messagesPerSample; turn++) decodePresence(message)
  })
  return (ms * 1000) / messagesPerSample
}
