import { LinePasses } from '@spacegrid/grid/doors/request/line-passes'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'

const secret = 'a-secret-of-at-least-32-characters'
const WAITING_ROOM_LANES = 'fans:3,general:6'
const words = ['claim', '--line', 'ticketing/concert', '--lane', 'fans', '--name', 'member-17']

// docs/waiting-room.md, lanes
test('claim signs the right to a place, with the key that there is', async () => {
  const environment = { WAITING_ROOM_KEY: secret, WAITING_ROOM_LANES }
  const { code, output } = await spacegridCommand([...words, '--days', '7'], { environment })
  expect(code).toBe(0)
  const week = Date.now() + 7 * 86_400_000
  expect(new LinePasses([secret]).read('claim', output.trim(), Date.now())).toEqual({
    ...{ line: 'ticketing/concert', lane: 'fans', id: 'member-17' },
    until: expect.toSatisfy((until: number) => Math.abs(until - week) < 600_000),
  })
})

test('claim makes a key under DATA_DIR where there is none, and takes it again', async () => {
  const environment = { DATA_DIR: await temporaryFolder('claim'), WAITING_ROOM_LANES }
  const claim = async () => {
    const { output } = await spacegridCommand([...words, '--json'], { environment })
    return JSON.parse(output).claim.split('.')[1]
  }
  expect(await claim()).toBe(await claim())
})

test.each([
  [['--line', 'Ticketing'], {}, '"Ticketing" is no line'],
  [['--lane', 'none'], {}, 'WAITING_ROOM_LANES has fans, general'],
  [[], { WAITING_ROOM_KEY: 'short' }, 'WAITING_ROOM_KEY=***: allowed is at least 32'],
])('claim says what is wrong: %j', async (more, variables, message) => {
  const environment = { WAITING_ROOM_KEY: secret, WAITING_ROOM_LANES, ...variables }
  const { code, errors } = await spacegridCommand([...words, ...more], { environment })
  expect(code).toBe(2)
  expect(errors).toContain(message)
})
