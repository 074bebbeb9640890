import { isReplica, type Teller } from './audit-message.ts'

/**
 * What one has to say about one question: its digest at a position, or its fingerprint of an entry.
 */
export interface Vote {
  readonly from: Teller
  readonly answer: string
}

export type Verdict = 'right' | 'wrong' | 'undecided'

const ofReplica = ({ from }: Vote): boolean => isReplica(from)

/**
 * Who is wrong when replicas differ. Of three or more the majority is right; otherwise the store,
 * if one of them agrees with it. See docs/decisions/0009. All who hear the same votes come to the
 * same verdict, so never do both sides leave.
 */
export function judge(own: Vote, others: readonly Vote[]): Verdict {
  const replicas = [own, ...others.filter(ofReplica)]
  const stored = others.find(({ from }) => from.role === 'store')
  if (replicas.length > 1 && replicas.every(({ answer }) => answer === own.answer)) return 'right'
  if (replicas.length >= 3) {
    for (const { answer } of replicas) {
      const agreeing = replicas.filter((vote) => vote.answer === answer).length
      if (2 * agreeing > replicas.length) return answer === own.answer ? 'right' : 'wrong'
    }
  }
  if (!stored || !replicas.some(({ answer }) => answer === stored.answer))
    return replicas.length === 1 && !stored ? 'right' : 'undecided'
  return stored.answer === own.answer ? 'right' : 'wrong'
}

/**
 * Who is wrong when the values of an entry differ under one version. Melding gives every replica
 * the same value, so what differs has been changed afterwards, most likely in place, by an
 * application; and its handlers run in units only, in all of them alike. So units have no majority
 * here: what the store has is right, if a replica agrees with it; else what the pumps have; only
 * then what most units have.
 */
export function judgeValue(own: Vote, others: readonly Vote[]): Verdict {
  const replicas = [own, ...others.filter(ofReplica)]
  // It has nobody to copy from that could be right.
  if (replicas.length === 1) return 'right'
  const stored = others.find(({ from }) => from.role === 'store')
  if (stored && replicas.some(({ answer }) => answer === stored.answer))
    return stored.answer === own.answer ? 'right' : 'wrong'
  const pumps = replicas.filter(({ from }) => from.role === 'pump')
  const [pump] = pumps
  if (pump && pumps.every(({ answer }) => answer === pump.answer))
    return pump.answer === own.answer ? 'right' : 'wrong'
  return judge(own, others)
}

/**
 * When nothing tells who is wrong: the pump's side stays, for what it has is what is stored;
 * without a pump the side of the first name. One side always goes on.
 */
export function settle(own: Vote, others: readonly Vote[]): Verdict {
  const [first] = [own, ...others.filter(ofReplica)].sort(
    ({ from: one }, { from: other }) =>
      Number(other.role === 'pump') - Number(one.role === 'pump') ||
      compare(one.name, other.name) ||
      one.id - other.id,
  )
  return first?.answer === own.answer ? 'right' : 'wrong'
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other))
