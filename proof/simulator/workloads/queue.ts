import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { command, query, type Workload } from './workload.ts'

const jobs = defineCache('jobs', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.String(),
    priority: Type.Integer(),
    worker: Type.Optional(Type.String()),
    claims: Type.Integer(),
  }),
  key: 'id',
  indexes: { byStatus: ['status', 'priority'], byWorker: ['worker', 'priority'] },
})

const receipts = defineCache('receipts', {
  schema: Type.Object({ id: Type.String(), jobs: Type.Array(Type.String()) }),
  key: 'id',
})

const submit = defineCommand('submit', {
  input: Type.Object({ ids: Type.Array(Type.String()), priority: Type.Integer() }),
  handler: (tx, { ids, priority }) => {
    for (const [at, id] of ids.entries())
      tx.put(jobs, { id, status: 'waiting', priority: priority + at, claims: 0 })
    tx.emit('Submitted', { ids })
    return { submitted: ids.length }
  },
})

/** Claimed where it is melded: from several units at once, each job goes to one worker. */
const claim = defineCommand('claim', {
  input: Type.Object({ worker: Type.String(), limit: Type.Integer(), atLeast: Type.Integer() }),
  handler: (tx, { worker, limit, atLeast }) =>
    tx.take(
      jobs,
      'byStatus',
      { equals: ['waiting'], limit },
      { status: 'claimed', worker, claims: 1 },
      { atLeast, otherwise: 'nothing_to_do' },
    ),
})

/** Looks at what it claims: then it is a read. */
const claimWithReceipt = defineCommand('claimWithReceipt', {
  input: Type.Object({ worker: Type.String(), receipt: Type.String() }),
  handler: (tx, { worker, receipt }) => {
    const taken = tx.take(
      jobs,
      'byStatus',
      { equals: ['waiting'], limit: 2 },
      { status: 'claimed', worker, claims: 1 },
      { atLeast: 1, otherwise: 'nothing_to_do' },
    )
    const ids = taken.predicted.map(({ id }) => id)
    tx.put(receipts, { id: receipt, jobs: ids })
    return { ids }
  },
})

/** Two claims in one transaction: who gets what depends on what the first one met. */
const deal = defineCommand('deal', {
  input: Type.Object({ first: Type.String(), second: Type.String() }),
  handler: (tx, { first, second }) => {
    const waiting = { equals: ['waiting'], limit: 1 } as const
    const claimFor = (worker: string) =>
      tx.take(jobs, 'byStatus', waiting, { status: 'claimed', worker, claims: 1 }, { atLeast: 0 })
    return { first: claimFor(first), second: claimFor(second) }
  },
})

/** Writes down who has a job: wrong, if it was read from what was only foreseen. */
const note = defineCommand('note', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const { worker } = tx.get(jobs, id) ?? tx.reject('unknown', { id })
    tx.put(receipts, { id: `note of ${id}`, jobs: [worker ?? 'nobody'] })
    return { worker: worker ?? null }
  },
})

const giveBack = defineCommand('giveBack', {
  input: Type.Object({ worker: Type.String() }),
  handler: (tx, { worker }) => {
    const own = tx.range(jobs, 'byWorker', { equals: [worker] })
    if (own.length === 0) tx.reject('none', { worker })
    for (const { worker: _, ...job } of own) tx.put(jobs, { ...job, status: 'waiting', claims: 0 })
    return { given: own.map(({ id }) => id) }
  },
})

const finish = defineCommand('finish', {
  input: Type.Object({ worker: Type.String() }),
  handler: (tx, { worker }) => {
    const [job] = tx.range(jobs, 'byWorker', { equals: [worker], limit: 1 })
    if (!job) return tx.reject('none', { worker })
    tx.delete(jobs, job.id)
    return { finished: job.id }
  },
})

const board = defineQuery('board', {
  input: Type.Object({}),
  handler: (read) => ({
    waiting: read.range(jobs, 'byStatus', { equals: ['waiting'] }).map(({ id }) => id),
    claimed: read.range(jobs, 'byStatus', { equals: ['claimed'] }).map(({ id }) => id),
    all: read.count(jobs),
  }),
})

const ids = (random: { below(limit: number): number }) =>
  Array.from({ length: 1 + random.below(4) }, () => `j${random.below(12)}`)

/**
 * Workers claim jobs from one queue; jobs are finished, given back, submitted again under the same
 * ids.
 */
export const queueWorkload: Workload = {
  name: 'queue',
  description: 'jobs claimed by take, given back, deleted and created again',
  space: defineSpace('queue', {
    caches: [jobs, receipts],
    commands: [submit, claim, claimWithReceipt, deal, note, giveBack, finish],
    queries: [board],
  }),
  setup: [command('submit', { ids: ['j1', 'j2', 'j3', 'j4', 'j5'], priority: 1 })],
  next: (random) => {
    const worker = `w${random.below(4)}`
    const luck = random.below(100)
    if (luck < 20) return command('submit', { ids: ids(random), priority: random.below(10) })
    if (luck < 32) return command('deal', { first: worker, second: `w${random.below(4)}` })
    if (luck < 42) return command('note', { id: `j${random.below(12)}` })
    if (luck < 55) {
      const limit = 1 + random.below(3)
      return command('claim', { worker, limit, atLeast: random.below(limit + 1) })
    }
    if (luck < 65) return command('claimWithReceipt', { worker, receipt: `r${random.below(1000)}` })
    if (luck < 73) return command('giveBack', { worker })
    if (luck < 85) return command('finish', { worker })
    return query('board')
  },
  invariants: (model) =>
    [...model.entries('jobs').values()]
      .filter(({ status, worker }) => (status === 'claimed') !== (worker !== undefined))
      .map((job) => `job ${JSON.stringify(job)}`),
}
