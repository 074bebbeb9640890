import { Socket } from 'node:net'
import { startMongod } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { checkpointAt, put } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

/**
 * The next time that a command with these words in it is written, its socket is closed just before,
 * as by a server that dies.
 */
function closeWhenWritten(words: string): { readonly closed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const write = Socket.prototype.write
  const spy = vi.spyOn(Socket.prototype, 'write')
  onTestFinished(() => spy.mockRestore())
  spy.mockImplementation(function (this: Socket, ...args: unknown[]) {
    if (String(args[0]).includes(words)) {
      spy.mockRestore()
      this.destroy()
      resolve()
    }
    return write.apply(this, args as never)
  })
  return { closed: promise }
}

const open = (url: string): MongoStore => {
  const store = new MongoStore(url, new SystemClock(), {
    database: uniqueName('store'),
    unavailableAfterMs: 1000,
  })
  onTestFinished(() => store.close())
  return store
}

const entryAt = (position: number, text = '') => put('A-1', { text }, position)

// Once in some hundred kills of MongoDB under load the data writer stood still for ever.
test('a command that is written to a socket as that is being closed is one more lost connection', {
  timeout: 20_000,
}, async () => {
  const store = open(inject('mongodbUrl'))
  await store.apply('test', 0, checkpointAt(1), [entryAt(1)])
  let position = 1
  for (const words of ['test.seats', 'findAndModify', 'commitTransaction']) {
    const { closed } = closeWhenWritten(words)
    const next = checkpointAt(position + 1)
    await store.apply('test', position, next, [entryAt(position + 1)])
    await closed
    position++
  }
  const { closed } = closeWhenWritten('test.seats')
  expect(await store.get('test', 'seats', 'A-1')).toMatchObject({ position })
  await closed
})

test('a command that a frozen server does not even take ends', { timeout: 60_000 }, async () => {
  await using mongod = await startMongod()
  const store = open(mongod.url)
  await store.apply('test', 0, checkpointAt(1), [entryAt(1)])
  await mongod.pause()
  // More than the sockets on the way hold.
  const large = Array.from({ length: 40 }, (_, n) =>
    put(`A-${n}`, { text: 'x'.repeat(500_000) }, 2),
  )
  const applied = store.apply('test', 1, checkpointAt(2), large)
  await expect(applied).rejects.toMatchObject({ code: 'store_unavailable' })
  await mongod.resume()
  await waitFor(() => store.checkpoint('test'), { what: 'MongoDB to be back' })
  const { position = 0 } = (await store.checkpoint('test')) ?? {}
  await store.apply('test', position, checkpointAt(3), [entryAt(3)])
})
