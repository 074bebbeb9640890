import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { auditCopies } from '@spacegrid/proof/support/copies-audit'
import { type Answer, PatientClient } from '@spacegrid/proof/support/patient-client'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { MongoClient } from 'mongodb'
import { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const application = join(root, 'proof/support/accounts')
const space = 'accounts'
const giveUpMs = 60_000
/** Accounts on which everybody works at once, so that the versions meet in each of them. */
const hot = ['a0', 'a1', 'a2', 'a3']

let folder: string
let cluster: ProcessCluster
let client: PatientClient
let mongodb: MongoClient

beforeAll(async () => {
  folder = await temporaryFolder('rolling-upgrade')
  await deploy('first')
  cluster = await ProcessCluster.start({
    units: 2,
    application: { files: [join(application, 'deployed.ts')], spaces: [space] },
    dataDirectory: folder,
    port: await findFreePort(),
    serverPorts: 'free',
  })
  client = new PatientClient(cluster.urls.http)
  mongodb = await MongoClient.connect(cluster.urls.mongodb)
}, 120_000)

afterAll(async () => {
  await mongodb?.close()
  await client?.close()
  await cluster?.stop()
})

const deploy = (version: string) => writeFile(join(folder, 'version'), version)

const unit = (at: number): ComponentProcess => {
  const found = cluster.units[at]
  if (!found) throw new Error(`there is no unit ${at}`)
  return found
}

/** One unit goes, gracefully or not, and one of this version comes in its place. */
async function replace(at: number, version: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await deploy(version)
  const old = unit(at)
  old.kill(signal)
  await old.gone
  await cluster.restart(old)
}

/** What users were told, to be compared with what is there in the end. */
class Users {
  readonly balances = new Map<string, number>()
  readonly claimed: string[] = []
  /** Of the accounts that were painted: the last color that was acknowledged. */
  readonly colors = new Map<string, string>()
  readonly wrong: string[] = []
  done = 0
  paints = 0
  #stopped = false
  readonly #working: Promise<unknown>

  constructor() {
    const buyers = Array.from({ length: 6 }, (_, buyer) => this.#work(buyer))
    this.#working = Promise.all([...buyers, this.#paint()])
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#working
  }

  async #work(buyer: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const id = hot[(buyer + n) % hot.length] as string
      const by = 1 + (n % 7)
      const name = n % 2 === 0 ? 'deposit' : 'add'
      const answer = await this.#ask(name, { id, balance: by })
      if (answer) this.balances.set(id, (this.balances.get(id) ?? 0) + by)
      const claim = await this.#ask('claim', { owner: `b${buyer}.${n}` })
      const [slot] = (claim?.body.result?.claimed ?? []) as { id: string; number: number }[]
      if (slot && slot.id === `s${slot.number}`) this.claimed.push(slot.id)
      else this.wrong.push(`claim: ${JSON.stringify(claim?.body)}`)
      const looked = await client.untilAnswered(() => client.query(space, 'look', { id }), giveUpMs)
      const account = looked?.body.result?.account as Record<string, unknown> | undefined
      if (looked?.status !== 200 || typeof account?.balance !== 'number')
        this.wrong.push(`look: ${looked?.status} ${JSON.stringify(looked?.body)}`)
    }
  }

  /** Only the newer version can: the older one does not know the command. */
  async #paint(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const id = hot[n % hot.length] as string
      const color = `color${n}`
      // A connection of its own each time: one that is kept would stay with the unit that it has
      // found.
      const fresh = new PatientClient(cluster.urls.http)
      const painted = await fresh.persist(space, 'paint', { id, color }, giveUpMs)
      await fresh.close()
      if (painted?.status === 200) {
        this.colors.set(id, color)
        this.paints++
      } else if (painted?.status !== 404) this.#note('paint', painted)
      await new Promise((wake) => setTimeout(wake, 10))
    }
  }

  async #ask(name: string, input: unknown): Promise<Answer | undefined> {
    const answer = await client.persist(space, name, input, giveUpMs)
    this.done++
    if (answer?.status === 200) return answer
    this.#note(name, answer)
    return undefined
  }

  #note(name: string, answer: Answer | undefined): void {
    this.wrong.push(`${name}: ${answer?.status} ${JSON.stringify(answer?.body)}`)
  }
}

/** Both versions have worked on the same accounts for a while. */
async function workGoesOn(users: Users): Promise<void> {
  const enough = users.done + 200
  await waitFor(() => users.done >= enough, { what: 'work to go on', timeoutMs: 60_000 })
}

interface Outcome {
  readonly code: number
  readonly output: string
}

/** `check`, as an operator calls it. */
function check(version: string, ...options: string[]): Promise<Outcome> {
  const words = [
    join(root, 'spacegrid/cli.ts'),
    'check',
    join(application, `${version}.ts`),
    ...options,
  ]
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      words,
      { env: { ...process.env, NATS_URL: '', MONGODB_URL: '', DATA_DIR: folder } },
      (error, output, errors) =>
        resolve({ code: error ? Number(error.code) : 0, output: `${output}${errors}` }),
    )
  })
}

const logOf = (component: ComponentProcess) => readFile(component.settings.logFile, 'utf8')

test('two versions work under load, forward and back: nothing is refused, nothing lost', {
  timeout: 300_000,
}, async () => {
  for (let from = 0; from < 20_000; from += 1000)
    expect(await client.command(space, 'open', { from, count: 1000 })).toMatchObject({
      status: 200,
    })
  const users = new Users()
  await workGoesOn(users)
  // Forward, one by one; the second one dies in the middle of its work.
  await replace(0, 'second', 'SIGTERM')
  await workGoesOn(users)
  await waitFor(() => users.paints > 20, { what: 'the newer version to paint' })
  await replace(1, 'second', 'SIGKILL')
  await workGoesOn(users)
  // And back.
  await replace(0, 'first', 'SIGKILL')
  await workGoesOn(users)
  await replace(1, 'first', 'SIGTERM')
  await workGoesOn(users)
  await users.stop()
  expect(users.wrong).toEqual([])
  expect([...client.retried.keys()]).not.toContain('application_fault')
  // Every deposit once, whoever made it; every color where it was, although the older version knows
  // of none.
  for (const [id, balance] of users.balances) {
    const looked = await client.query(space, 'look', { id })
    expect(looked.body.result?.account).toMatchObject({ id, balance })
    expect(looked.body.result?.account).not.toHaveProperty('color')
  }
  expect(new Set(users.claimed).size).toBe(users.claimed.length)
  const urls = cluster.urls
  expect(await auditCopies(urls, space, 2, 60_000)).toEqual([])
  const stored = mongodb.db('spacegrid').collection<{ _id: string }>('accounts.accounts')
  for (const [id, color] of users.colors)
    expect(await stored.findOne({ _id: id })).toMatchObject({
      color,
      balance: users.balances.get(id),
    })
  for (const component of cluster.units) {
    const log = await logOf(component)
    expect(log).not.toContain('is at fault')
    expect(log).toContain('cache accounts: color is of another version: it is kept')
  }

  // What would happen next time.
  expect(await check('first', '--full')).toMatchObject({ code: 0 })
  const fits = await check('second')
  expect(fits.output).toContain('accounts: fits (a sample of the entries as stored at position')
  expect(fits).toMatchObject({ code: 0 })
  const breaks = await check('third', '--json')
  const [{ caches }] = (JSON.parse(breaks.output) as { checks: [{ caches: unknown[] }] }).checks
  expect(caches).toEqual([
    expect.objectContaining({
      cache: 'accounts',
      findings: [expect.objectContaining({ how: 'unreadable', entries: hot.length })],
    }),
  ])
  expect(breaks.code).toBe(1)
  expect(await check('nowhere')).toMatchObject({ code: 2 })

  // And what does, when somebody deploys it all the same.
  await deploy('third')
  const { settings } = unit(0)
  const logFile = join(folder, 'logs', 'third.log')
  const late = new ComponentProcess({
    ...settings,
    name: 'third',
    port: 0,
    adminPort: await findFreePort(),
    logFile,
  })
  await waitFor(
    async () => (await readFile(logFile, 'utf8')).includes('cannot read what is stored'),
    {
      what: 'the unit that cannot follow to say so',
    },
  )
  const ready = await fetch(`http://127.0.0.1:${late.settings.adminPort}/health/ready`)
  expect(ready.status).toBe(503)
  expect(await ready.text()).toContain('branch is required: 4 entries')
  await late.stop()
})
