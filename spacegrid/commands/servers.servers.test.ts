import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spacegridProgram } from '../own-program.ts'
import type { ServerRecord } from '../servers/server-state.ts'

const run = promisify(execFile)

let dataDirectory: string

beforeAll(async () => {
  dataDirectory = await temporaryFolder('servers-command')
})

afterAll(async () => {
  await servers('down')
})

async function servers(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, DATA_DIR: dataDirectory }
  return await run(process.execPath, [spacegridProgram, 'servers', ...args], { env })
}

async function records(): Promise<ServerRecord[]> {
  return JSON.parse(await readFile(join(dataDirectory, 'servers.json'), 'utf8')).servers
}

const pids = async () => (await records()).map(({ pid }) => pid)
const ports = async () => (await records()).map(({ port }) => port)

describe('spacegrid servers', () => {
  test('status before the first start says how to start', async () => {
    expect((await servers('status')).stderr).toContain('npx spacegrid servers up')
  })

  test('up starts all, outlives the command and prints URLs for the shell', async () => {
    const { stdout } = await servers('up')
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^export NATS_URL='nats:\/\/127\.0\.0\.1:\d+'$/),
      expect.stringMatching(
        /^export MONGODB_URL='mongodb:\/\/127\.0\.0\.1:\d+\/\?replicaSet=rs0'$/,
      ),
      expect.stringMatching(/^export REDIS_URL='redis:\/\/127\.0\.0\.1:\d+'$/),
    ])
    expect((await servers('status')).stdout.match(/running/g)).toHaveLength(3)
  })

  test('up again, even twice at once, changes nothing', async () => {
    const before = await pids()
    await Promise.all([servers('up'), servers('up')])
    expect(await pids()).toEqual(before)
  })

  test('up finds the servers of one that was killed before it had written them down', async () => {
    const before = await pids()
    await rm(join(dataDirectory, 'servers.json'))
    expect((await servers('status')).stdout.match(/running/g)).toHaveLength(3)
    await servers('up')
    expect(await pids()).toEqual(before)
  })

  test('up after kill -9 of all of them brings them back on the same ports', async () => {
    const before = { pids: await pids(), ports: await ports() }
    for (const pid of before.pids) process.kill(pid, 'SIGKILL')
    await servers('up')
    expect(await ports()).toEqual(before.ports)
    expect(await pids()).not.toEqual(before.pids)
  })

  test('down stops the named ones, then all', async () => {
    expect((await servers('down', 'redis')).stderr).toBe('Stopped redis.\n')
    expect((await servers('status')).stdout).toMatch(/redis +stopped/)
    expect((await servers('down')).stderr).toBe('Stopped nats, mongodb.\n')
    expect((await servers('down')).stderr).toBe('None was running.\n')
  })

  test('down leaves a stranger alone that has got the id of a server', async () => {
    const file = join(dataDirectory, 'servers.json')
    const forged = (await records()).map((record) => ({ ...record, pid: process.pid }))
    await writeFile(file, JSON.stringify({ servers: forged }))
    expect((await servers('down')).stderr).toBe('None was running.\n')
  })

  test.each([
    [['sideways'], "error: unknown command 'sideways'\n"],
    [['up', 'mysql'], expect.stringMatching(/^[^\n]*'mysql'[^\n]*nats, mongodb, redis\.\n$/)],
    [['up', '--fast'], "error: unknown option '--fast'\n"],
  ])('%j is refused in one line with code 2', async (args, line) => {
    const failure = await servers(...args).catch((error) => error)
    expect(failure).toMatchObject({ code: 2, stderr: line })
  })
})
