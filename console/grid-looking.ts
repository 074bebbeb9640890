import { GridError } from '@spacegrid/grid/core/errors'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Looking } from './control.ts'

const withinMs = 3000
/** What is asked is part of a subject. */
const spaceName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/**
 * Asks any unit of a space for what its caches hold.
 * @param headers how the console says who it is, where units ask
 */
export const gridLooking = (
  messaging: Messaging,
  headers: Readonly<Record<string, string>> = {},
): Looking => ({
  look: async ({ space, ...asked }) => {
    if (!spaceName.test(space)) throw new GridError('unknown_space', 'That is no name of a space')
    const sent = Buffer.from(JSON.stringify(asked))
    const { data } = await messaging.request(subjects.look(space), sent, {
      ...{ timeoutMs: withinMs, headers },
    })
    return JSON.parse(Buffer.from(data).toString())
  },
})
