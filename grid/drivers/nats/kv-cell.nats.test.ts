import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { connect } from 'nats'
import { expect, inject, onTestFinished, test } from 'vitest'
import { KvCell, keysOfBucket } from './kv-cell.ts'

async function opened(bucket = uniqueName('cell')) {
  const connection = await connect({ servers: inject('natsUrl') })
  onTestFinished(() => connection.close())
  return { bucket, cell: new KvCell(connection, bucket, 'lease') }
}
const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString()

test('a value is replaced by who knows which one is there', async () => {
  const { bucket, cell } = await opened()
  expect(await cell.read()).toBeUndefined()
  const first = await cell.write(Buffer.from('one'), 0)
  const second = await cell.write(Buffer.from('two'), first)
  const { cell: other } = await opened(bucket)
  const found = await other.read()
  expect([text(found?.data), found?.revision]).toEqual(['two', second])
})

test('of two that replace the same one is refused, and so is who thinks that nothing is there', async () => {
  const { bucket, cell } = await opened()
  const { cell: other } = await opened(bucket)
  const revision = await cell.write(Buffer.from('one'), 0)
  const both = await Promise.allSettled([
    cell.write(Buffer.from('mine'), revision),
    other.write(Buffer.from('yours'), revision),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const failed = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult
  expect(failed.reason).toMatchObject({ code: 'fenced' })
  await expect(cell.write(Buffer.from('new'), 0)).rejects.toMatchObject({ code: 'fenced' })
})

test('the keys of a bucket are told, and of one that is not there none', async () => {
  const { bucket, cell } = await opened()
  await cell.write(Buffer.from('one'), 0)
  const connection = await connect({ servers: inject('natsUrl') })
  onTestFinished(() => connection.close())
  await new KvCell(connection, bucket, 'a_b.journal').write(Buffer.from('two'), 0)
  expect(await keysOfBucket(connection, bucket)).toEqual(['a_b.journal', 'lease'])
  expect(await keysOfBucket(connection, uniqueName('nowhere'))).toEqual([])
})
