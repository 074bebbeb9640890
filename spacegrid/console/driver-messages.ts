import type { UnitAction } from '@spacegrid/console/control'

export type DriverWish =
  | { readonly asked: 'add' }
  | { readonly asked: 'act'; readonly unit: string; readonly action: UnitAction }

/** What a console asks of the cluster that has started it, over the channel between the two. */
export type DriverAsked = { readonly id: number } & DriverWish

/** What the cluster tells it. */
export type DriverTold =
  | {
      readonly told: 'units'
      readonly add: true | string
      readonly units: Readonly<Record<string, readonly UnitAction[]>>
    }
  | { readonly told: 'done'; readonly id: number; readonly unit: string }
  | { readonly told: 'refused'; readonly id: number; readonly why: string }
