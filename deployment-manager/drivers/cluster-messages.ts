import type { Deployed } from './driver.ts'

/** What a deployment manager asks of the cluster that has started it, over their channel. */
export interface ClusterRequest {
  readonly scaling: 'look' | 'scale'
  readonly id: number
  /** To `scale`. */
  readonly units?: number
  readonly term?: number
}

export type ClusterAnswer = {
  readonly scaling: 'answer'
  readonly id: number
} & ({ readonly deployed: Deployed } | { readonly refused: string; readonly isFenced: boolean })

export const isClusterRequest = (message: unknown): message is ClusterRequest => {
  const { scaling, id, units, term } = Object(message)
  if (!Number.isSafeInteger(id)) return false
  return (
    scaling === 'look' ||
    (scaling === 'scale' && Number.isSafeInteger(units) && units > 0 && Number.isSafeInteger(term))
  )
}

export const isClusterAnswer = (message: unknown): message is ClusterAnswer =>
  Object(message).scaling === 'answer' && Number.isSafeInteger(Object(message).id)
