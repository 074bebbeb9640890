import { Socket } from 'node:net'
import { startMongod } from '@spacegrid/test-support/test-servers'
import { waitFor } from '@spacegrid/test-support/wait-for'
import { expect, onTestFinished, test, vi } from 'vitest'
import { checkpointAt, put } from '../simulated/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

/** The next time that a command with these words in it is written, its socket is closed just before, as by a server that dies. */
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

// Once in some hundred kills of MongoDB under load the data writer stood still for ever.
test('a command that is written to a socket as that is being closed does not hold up the store', {
  timeout: 40_000,
}, async () => {
  await using mongod = await startMongod()
  const store = new MongoStore(mongod.url, new SystemClock(), { unavailableAfterMs: 1000 })
  onTestFinished(() => store.close())
  const apply = (from: number) =>
    store.apply('test', from, checkpointAt(from + 1), [put('A-1', { status: 'free' }, from + 1)])
  await apply(0)
  for (const words of ['test.seats', 'findAndModify', 'commitTransaction']) {
    const from = (await store.checkpoint('test'))?.position ?? 0
    const { closed } = closeWhenWritten(words)
    const applied = apply(from)
    applied.catch(() => undefined)
    await closed
    await mongod.kill()
    await expect(applied, words).rejects.toMatchObject({ code: 'store_unavailable' })
    await mongod.restart()
    await waitFor(async () => await store.checkpoint('test'), { what: 'MongoDB to be back' })
    await apply((await store.checkpoint('test'))?.position ?? 0)
  }
  expect(await store.get('test', 'seats', 'A-1')).toMatchObject({ value: { status: 'free' } })
})

test('nor does a read that is not answered', { timeout: 20_000 }, async () => {
  await using mongod = await startMongod()
  const store = new MongoStore(mongod.url, new SystemClock(), { unavailableAfterMs: 1000 })
  onTestFinished(() => store.close())
  await store.apply('test', 0, checkpointAt(1), [put('A-1', { status: 'free' }, 1)])
  const { closed } = closeWhenWritten('test.seats')
  const read = store.get('test', 'seats', 'A-1')
  read.catch(() => undefined)
  await closed
  await mongod.kill()
  await expect(read).rejects.toMatchObject({ code: 'store_unavailable' })
})
