import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { connect, headers, type Msg, type NatsConnection } from 'nats'
import { expect, inject, onTestFinished, test } from 'vitest'
import { NatsMessaging } from '../../drivers/nats/nats-messaging.ts'
import { MemoryGrid, MemoryServing } from '../http/test-support/memory-serving.ts'
import {
  badCredentials,
  guardVault,
  people,
  treasure,
  vault,
} from '../request/access/test-support/guarded-vault.ts'
import { makeSigner, makeVerifier, nowSeconds } from '../request/access/test-support/token-maker.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import { serveSpace } from './space-services.ts'

const natsUrl = inject('natsUrl')

/** A client that knows nothing of us, as one in another language would be. */
async function foreignClient(): Promise<NatsConnection> {
  const client = await connect({ servers: natsUrl })
  onTestFinished(() => client.close())
  return client
}

const codeOf = (message: Msg): number =>
  Number(message.headers?.get('Nats-Service-Error-Code') || 200)

test('a raw client on a real server is asked who it is', async () => {
  const signer = await makeSigner()
  const name = uniqueName('vault')
  const space = { ...vault, name }
  const { access, records } = guardVault(
    new Map([['curator', [`${name}:*`]]]),
    makeVerifier([signer]),
    [space],
  )
  const grid = new MemoryGrid()
  grid.entries.set('gems/a', {
    value: { id: 'a', what: treasure, soldAt: 0 },
    version: 1,
    position: 1,
  })
  const messaging = await NatsMessaging.open(natsUrl, { name: 'access test' })
  onTestFinished(() => messaging.close())
  const log = { error: () => undefined }
  const pipeline = new RequestPipeline({ access })
  const service = await serveSpace(messaging, new MemoryServing('one', space, grid), {
    log,
    pipeline,
  })
  onTestFinished(() => service.stop())
  const client = await foreignClient()
  const ask = async (subject: string, credentials: readonly string[]) => {
    const said = headers()
    for (const credential of credentials) said.append('Authorization', credential)
    return await client.request(`spacegrid.${name}.${subject}`, '{"id":"a"}', {
      ...{ timeout: 10_000, headers: said },
    })
  }
  const key = `Api-Key ${people.curator.text}`
  const good = [key, `Bearer ${await signer.sign({ roles: 'curator' })}`]
  for (const credential of good) {
    const answer = await ask('query.gem', [credential])
    expect([codeOf(answer), answer.string()]).toEqual([200, expect.stringContaining(treasure)])
  }
  const bad: readonly (readonly string[])[] = [
    ...Object.values(badCredentials)
      .filter((text) => text !== '')
      .map((text) => [text]),
    ...[[], [key, key], [key, 'Api-Key nothing']],
    [`Bearer ${await signer.sign({ roles: 'curator', exp: nowSeconds - 60 })}`],
    [`Bearer ${await signer.sign({ roles: 'curator', aud: 'shop' })}`],
    [`Bearer ${(await signer.sign({ roles: 'curator' })).split('.').slice(0, 2).join('.')}.`],
  ]
  for (const credentials of bad) {
    const answer = await ask('query.gem', credentials)
    expect(codeOf(answer), credentials.join()).toBe(401)
    expect(`${answer.string()} ${answer.headers}`).not.toContain(treasure)
  }
  const nobody = [`Bearer ${await signer.sign({ roles: 'visitor' })}`]
  for (const subject of ['query.gem', 'query.secrets', 'command.put', 'command.burn']) {
    const answer = await ask(subject, nobody)
    expect(codeOf(answer), subject).toBe(403)
    expect(`${answer.string()} ${answer.headers}`).not.toContain(treasure)
  }
  expect(records).toHaveLength(bad.length + 4)
})
