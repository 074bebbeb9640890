import { X509Certificate } from 'node:crypto'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { beforeEach, expect, test } from 'vitest'
import { type GridKeysOptions, makeGridKeys } from './grid-keys.ts'
import { keyFiles } from './key-files.ts'

let folder: string

beforeEach(async () => {
  folder = join(await temporaryFolder('keys'), 'keys')
})

const spaces = [{ name: 'shop', partitions: 1 }]
const make = (options: Partial<GridKeysOptions> = {}) =>
  makeGridKeys(folder, { spaces, ...options })

async function contents(): Promise<Record<string, string>> {
  const names = await readdir(folder)
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
    ),
  )
}

test('nobody else may look into the folder, or read one of its files', async () => {
  await make()
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  for (const name of await readdir(folder))
    expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
  await chmod(folder, 0o750)
  await expect(make()).rejects.toMatchObject({ code: 'configuration_invalid' })
})

test('a second time everything is as it was, and what is missing comes back by itself', async () => {
  await make({ clients: ['shop-window'] })
  const before = await contents()
  const again = await makeGridKeys(folder, { spaces: [] })
  expect(again.files.every(({ is }) => is === 'kept')).toBe(true)
  expect(await contents()).toEqual(before)
  await rm(join(folder, keyFiles.nkey('unit')))
  const { files } = await make()
  expect(files.filter(({ is }) => is !== 'kept')).toEqual([
    { name: keyFiles.nkey('unit'), is: 'made' },
    { name: keyFiles.natsUsers, is: 'changed' },
  ])
})

test('everything is made anew only when that is said', async () => {
  const settings: string[] = ['keys.json', keyFiles.permissions]
  await make()
  const before = await contents()
  await make({ force: true })
  const after = await contents()
  for (const [name, text] of Object.entries(before))
    if (!settings.includes(name)) expect(after[name], name).not.toBe(text)
})

test('what NATS reads holds no seed and no password', async () => {
  await make()
  const all = await contents()
  const secrets = Object.entries(all).filter(
    ([name]) => name.endsWith('.nk') || name.endsWith('password') || name.endsWith('token'),
  )
  expect(secrets.length).toBeGreaterThan(10)
  for (const [name, secret] of secrets)
    expect(all[keyFiles.natsUsers], name).not.toContain(secret.trim())
})

test('the certificates are for their servers, and signed by the authority', async () => {
  await make({ hosts: ['nats.example', '10.1.2.3'] })
  const all = await contents()
  const authority = new X509Certificate(all[keyFiles.authority] ?? '')
  for (const server of ['nats', 'mongodb', 'redis', 'http'] as const) {
    const certificate = new X509Certificate(all[keyFiles.certificate(server)] ?? '')
    expect(certificate.checkIssued(authority)).toBe(true)
    expect(certificate.verify(authority.publicKey)).toBe(true)
    for (const host of ['localhost', 'nats.example'])
      expect(certificate.checkHost(host), `${server} ${host}`).toBe(host)
    for (const ip of ['127.0.0.1', '10.1.2.3'])
      expect(certificate.checkIP(ip), `${server} ${ip}`).toBe(ip)
  }
})

test('the key of the authority may be kept elsewhere until something is to be signed', async () => {
  await make()
  await rm(join(folder, keyFiles.authorityKey))
  await make()
  await rm(join(folder, keyFiles.certificate('nats')))
  await expect(make()).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringContaining('ca-key.pem is missing'),
  })
})

test.each([
  [{ spaces: [] }, /--space/],
  [{ clients: ['unit'] }, /--client unit/],
  [{ clients: ['Upper'] }, /--client Upper/],
] as const)('%j is refused', async (options, message) => {
  await expect(make(options)).rejects.toThrow(message)
})

test('a file that is no key is not taken for one, nor repeated', async () => {
  await make()
  await writeFile(join(folder, keyFiles.nkey('unit')), 'half a secret')
  await expect(make()).rejects.toMatchObject({
    message: expect.stringMatching(/unit\.nk holds no seed of an nkey$/),
  })
})
