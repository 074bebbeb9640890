import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { knownVariables } from '@spacegrid/grid/program/environment'
import { composeBinary } from '@spacegrid/proof/gateway/compose-binary'
import {
  type ComposeProject,
  type ComposeService,
  composeProject,
  readCompose,
} from '@spacegrid/proof/gateway/compose-project'
import { isGoInstalled } from '@spacegrid/proof/support/go-program'
import { writeProject } from 'spacegrid/init/project'
import { BinaryUnavailable, cacheFolder, environmentOf, findBinary } from 'spacegrid/servers/binary'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

/** Variables that Node.js or Docker reads, not the grid. */
const othersVariables = new Set(['NODE_ENV', 'NODE_OPTIONS'])

async function expectGridReads(variables: readonly string[]): Promise<void> {
  const ofApplications = await read('processing-units/ticketing/settings.ts')
  const known = new Set([...knownVariables, ...othersVariables])
  const unknown = variables.filter(
    (name) => !known.has(name) && !new RegExp(`\\b${name}\\b`).test(ofApplications),
  )
  expect(unknown).toEqual([])
}

// Skipped: without Go what reads compose files cannot be built; said loudly above.
describe.skipIf(!isGoInstalled(process.env, 'the check of docker-compose.yml'))(
  'docker-compose.yml',
  () => {
    let binary: string
    let project: ComposeProject
    let grid: [string, ComposeService][]

    const compose = (...files: string[]) => readCompose(binary, files)
    const modelOf = (settings: Record<string, string> = {}) =>
      composeProject(binary, ['docker-compose.yml'], settings)

    beforeAll(async () => {
      binary = await composeBinary(cacheFolder())
      project = modelOf()
      grid = Object.entries(project.services).filter(([, service]) => service.build !== undefined)
    }, 600_000)

    it('is accepted by docker compose', () => {
      expect(compose('docker-compose.yml')).toMatchObject({ status: 0, stderr: '' })
    })

    // docs/guide.md, production
    it('of a project that init makes is accepted too, with every role', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'spacegrid-compose-'))
      await writeProject(join(folder, 'shop'))
      const { status, stdout, stderr } = compose(join(folder, 'shop/docker-compose.yml'))
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const { services } = JSON.parse(stdout) as ComposeProject
      const roles = Object.values(services).flatMap(({ build, command }) =>
        build ? [command] : [],
      )
      const names = ['data-pump', 'data-reader', 'data-writer', 'unit', 'unit']
      expect(services['query-unit']).toMatchObject({ environment: { ROLE: 'query' }, scale: 0 })
      expect(roles.map((words) => words?.join(' ')).sort()).toEqual(
        names.map((name) => `spacegrid ${name}`),
      )
      for (const over of ['docker-compose.r3.yml', 'docker-compose.external.yml']) {
        const files = ['docker-compose.yml', over].map((file) => join(folder, 'shop', file))
        const { unit } = composeProject(binary, files).services
        expect(unit?.environment?.STREAM_REPLICAS, over).toBe('3')
      }
      await rm(folder, { recursive: true })
    })

    it.each([
      ['an unknown key', /^services:/m, 'servces:', "'servces' not allowed"],
      ['an unknown key of a service', /image: redis/, 'imagee: redis', "'imagee' not allowed"],
      ['a wrong size', /mem_limit: .*/, 'mem_limit: much', "invalid size: 'much'"],
      ['a wrong condition', 'service_healthy', 'service_well', 'must be one of'],
      ['a service that is not there', /^ {2}redis:/m, '  rediss:', 'undefined service "redis"'],
    ])('would not be with %s', async (_, right, wrong, said) => {
      const folder = await mkdtemp(join(tmpdir(), 'spacegrid-compose-'))
      const file = join(folder, 'docker-compose.yml')
      const text = await read('docker-compose.yml')
      expect(text).toMatch(right)
      await writeFile(file, text.replace(right, wrong))
      expect(compose(file)).toMatchObject({ status: 1, stderr: expect.stringContaining(said) })
      await rm(folder, { recursive: true })
    })

    it('runs every role, and the servers they need', () => {
      expect(Object.keys(project.services).sort()).toEqual([
        'data-pump',
        'data-reader',
        'data-writer',
        'gateway',
        'mongodb',
        'nats',
        'processing-unit',
        'query-unit',
        'redis',
        'waiting-room',
      ])
    })

    it('starts programs that exist', () => {
      expect(grid).toHaveLength(6)
      for (const [, { command }] of grid) {
        expect(command?.[0]).toBe('node')
        expect(existsSync(join(root, command?.[1] ?? ''))).toBe(true)
      }
    })

    it('runs the other application when told to', () => {
      const auction = modelOf({ APPLICATION: 'auction' })
      const [, program = ''] = auction.services['processing-unit']?.command ?? []
      expect(program).toBe('processing-units/auction/main.ts')
      expect(existsSync(join(root, program))).toBe(true)
      expect(auction.services['data-pump']?.environment?.SPACES).toBe('auction:1')
    })

    it('scales units that only answer queries apart, and has none unless told to', () => {
      const { 'query-unit': queryUnit, 'processing-unit': unit } = project.services
      expect(queryUnit).toMatchObject({ scale: 0, command: unit?.command })
      expect(queryUnit?.environment).toEqual({ ...unit?.environment, ROLE: 'query' })
      const { environment = {} } = project.services.gateway ?? {}
      expect(environment.GATEWAY_QUERY_UNITS).toBe('query-unit:8080')
    })

    it('divides the space when told to: whoever works for it knows the number', () => {
      const { services } = modelOf({ PARTITIONS: '16' })
      expect(services['processing-unit']?.environment?.PARTITIONS).toBe('16')
      for (const role of ['data-pump', 'data-writer', 'data-reader'])
        expect(services[role]?.environment?.SPACES).toBe('ticketing:16')
    })

    it('sets only variables that the grid reads', async () => {
      await expectGridReads(grid.flatMap(([, { environment = {} }]) => Object.keys(environment)))
    })

    it('sets only variables that the gateway’s configuration reads', async () => {
      const configuration = await read('gateway/haproxy.cfg')
      const { environment = {} } = project.services.gateway ?? {}
      for (const name of Object.keys(environment))
        expect(configuration).toMatch(new RegExp(`\\$\\{${name}[-[]`))
    })

    it('publishes the gateway alone, to this machine alone', () => {
      const published = Object.entries(project.services).filter(
        ([, { ports }]) => ports !== undefined,
      )
      expect(published.map(([name]) => name)).toEqual(['gateway'])
      expect(project.services.gateway?.ports).toMatchObject([
        { host_ip: '127.0.0.1', published: '8080' },
      ])
      const outside = Object.entries(project.services).filter(
        ([, { networks }]) => 'outside' in networks,
      )
      expect(outside.map(([name]) => name)).toEqual(['gateway'])
      expect(project.networks.inside?.internal).toBe(true)
    })

    // docs/console.md, rights
    it('has a console for whoever asks for it, closed to those without its token', () => {
      const { services } = modelOf({ COMPOSE_PROFILES: 'console', CONSOLE_TOKEN: 'a'.repeat(16) })
      expect(services.console).toMatchObject({
        command: ['node', 'console/main.ts'],
        environment: { GRID_URL: 'http://gateway:8080', CONSOLE_TOKEN: 'a'.repeat(16) },
        ports: [{ host_ip: '127.0.0.1', published: '8090' }],
      })
      expect(existsSync(join(root, 'console/main.ts'))).toBe(true)
    })

    // docs/elasticity.md, Docker
    it('has a deployment manager for whoever asks for it, which scales the units of this project', async () => {
      const { services } = modelOf({ COMPOSE_PROFILES: 'deployment-manager', UNITS_MAX: '4' })
      const { environment = {}, ...manager } = services['deployment-manager']!
      expect(manager).toMatchObject({
        ...{ image: 'spacegrid-manager', command: ['node', 'deployment-manager/main.ts'] },
        build: { args: { DRIVER: expect.stringMatching(/^dockerode@/) } },
        volumes: [{ source: '/var/run/docker.sock', target: '/var/run/docker.sock' }],
        ...{ cap_drop: ['ALL'], read_only: true },
      })
      expect(environment).toMatchObject({
        ...{ SCALING_DRIVER: 'docker', SCALED_PROJECT: 'spacegrid', UNITS_MAX: '4' },
      })
      expect(services[environment.SCALED_SERVICE ?? '']?.command).toBeDefined()
      await expectGridReads(Object.keys(environment))
    })

    it('limits, restarts and checks every container', () => {
      for (const [name, service] of Object.entries(project.services)) {
        expect(Number(service.mem_limit), name).toBeGreaterThan(0)
        expect(service.restart, name).toBe('unless-stopped')
        expect(service.pids_limit, name).toBeGreaterThan(0)
        // The grid's own containers have the check of their image.
        if (service.build === undefined) expect(service.healthcheck, name).toBeDefined()
      }
    })

    it('limits the processors of every container when told to', () => {
      const files = ['docker-compose.yml', 'docker-compose.r3.yml']
      const settings = { CPUS_MAX: '2', SERVER_CPUS_MAX: '3', COMPOSE_PROFILES: 'console' }
      for (const [name, { cpus, build }] of Object.entries(
        composeProject(binary, files, settings).services,
      ))
        expect(cpus, name).toBe(build === undefined ? 3 : 2)
      for (const [name, { cpus }] of Object.entries(project.services))
        expect(cpus ?? 0, name).toBe(0)
    })

    it('gives no container a right, and a disk to write to only where it keeps something', () => {
      for (const [name, service] of Object.entries(project.services)) {
        expect(service.cap_drop, name).toEqual(['ALL'])
        expect(service.cap_add, name).toBeUndefined()
        expect(service.security_opt, name).toEqual(['no-new-privileges:true'])
        // Docker Compose writes a configuration that is no file into the container itself.
        expect(service.read_only ?? false, name).toBe(name !== 'nats')
      }
    })

    it('has every option of Node.js that the image has', async () => {
      const [, ofImage = ''] = /NODE_OPTIONS=(\S+)/.exec(await read('Dockerfile')) ?? []
      for (const [name, { environment = {} }] of grid)
        expect(environment.NODE_OPTIONS, name).toContain(ofImage)
    })

    it('takes servers elsewhere, their URLs from secrets, each role those that it needs', async () => {
      const files = ['docker-compose.yml', 'docker-compose.external.yml']
      expect(compose(...files)).toMatchObject({ status: 0, stderr: '' })
      const { services, secrets = {} } = composeProject(binary, files)
      expect(Object.keys(services).sort()).toEqual(
        [...grid.map(([name]) => name), 'gateway'].sort(),
      )
      expect(Object.keys(secrets).sort()).toEqual(['mongodb-url', 'nats-url', 'redis-url'])
      const all = composeProject(binary, files, { COMPOSE_PROFILES: 'console' })
      expect(all.services.console?.environment).toMatchObject({ NATS_URL: '' })
      for (const [name] of grid) {
        const { environment = {}, secrets: given = [], depends_on, networks } = services[name]!
        const urls = /unit$|room$/.test(name) ? ['nats'] : ['mongodb', 'nats', 'redis']
        const variables = Object.entries(environment).filter(([variable]) => /_URL/.test(variable))
        const set = Object.fromEntries(variables.filter(([, value]) => value !== ''))
        expect(set, name).toEqual(
          Object.fromEntries(
            urls.map((url) => [`${url.toUpperCase()}_URL_FILE`, `/run/secrets/${url}-url`]),
          ),
        )
        expect(given.map(({ target }) => target).sort(), name).toEqual(Object.values(set).sort())
        expect(depends_on, name).toBeUndefined()
        expect(networks, name).toHaveProperty('servers')
      }
    })

    it('waits for the servers before it starts the grid', () => {
      for (const [, { depends_on = {} }] of grid) {
        expect(
          Object.entries(depends_on).map(([name, { condition }]) => [name, condition]),
        ).toEqual([
          ['mongodb', 'service_healthy'],
          ['nats', 'service_healthy'],
          ['redis', 'service_healthy'],
        ])
      }
    })

    it('names files that exist', () => {
      for (const { file } of Object.values(project.configs)) {
        if (file !== undefined) expect(existsSync(file)).toBe(true)
      }
    })

    // architecture.md, NATS in practice: what we ship syncs the disk before it acknowledges.
    it('configures NATS so that NATS accepts it, with the disk synced always', async (context) => {
      const content = project.configs.nats?.content ?? ''
      expect(content).toContain('sync_interval: always')
      // What is frozen is dropped within seconds, as on a local server.
      expect(content).toContain('ping_interval: 2s')
      const folder = await mkdtemp(join(tmpdir(), 'spacegrid-compose-'))
      try {
        const nats = await findBinary('nats', (line) => process.stderr.write(`${line}\n`))
        const file = join(folder, 'nats.conf')
        await writeFile(file, content)
        const { status, stderr } = spawnSync(nats.path, ['--config', file, '-t'], {
          encoding: 'utf8',
          env: environmentOf(nats),
        })
        expect({ status, stderr }).toMatchObject({ status: 0 })
      } catch (error) {
        if (!(error instanceof BinaryUnavailable) || process.env.CI === 'true') throw error
        context.skip(error.message)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  },
)

describe('Dockerfile', () => {
  let lines: readonly string[]
  const values = (instruction: string): string[] =>
    lines
      .filter((line) => line.startsWith(`${instruction} `))
      .map((line) => line.slice(instruction.length + 1))

  beforeAll(async () => {
    const text = await read('Dockerfile')
    lines = text.replace(/\\\n\s*/g, '').split('\n')
  })

  it('copies the package.json of every workspace, or npm would install another tree', async () => {
    const { workspaces } = JSON.parse(await read('package.json')) as { workspaces: string[] }
    const copied = values('COPY').join(' ')
    for (const workspace of workspaces) {
      expect(copied).toContain(`${workspace}/package.json ${workspace}/`)
    }
  })

  it('copies files that exist and are not ignored', async () => {
    const ignored = new Set((await read('.dockerignore')).split('\n'))
    const sources = values('COPY')
      .filter((value) => !value.startsWith('--from') && !value.startsWith('. '))
      .flatMap((value) => value.split(' ').slice(0, -1))
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true)
      const excluded = ignored.has(source) || ignored.has(`**/${source.split('/').at(-1)}`)
      expect(excluded, source).toBe(false)
    }
  })

  it('starts a program that exists, without a shell between it and its signals', () => {
    const [command = ''] = values('CMD')
    const [program, file] = JSON.parse(command) as string[]
    expect(program).toBe('node')
    expect(existsSync(join(root, file ?? ''))).toBe(true)
  })

  it('runs without root’s rights', () => {
    expect(values('USER')).toEqual(['node'])
  })

  it('sets only variables that the grid reads', async () => {
    const names = values('ENV').flatMap((value) => value.match(/(?<=^|\s)\w+(?==)/g) ?? [])
    expect(names).toContain('HOST')
    await expectGridReads(names)
  })

  it('asks for health in a way that runs', () => {
    const [check = ''] = values('HEALTHCHECK')
    const [program = '', ...argv] = JSON.parse(check.slice(check.indexOf('['))) as string[]
    expect(program).toBe('node')
    // Nobody listens there.
    const { status, stderr } = spawnSync(process.execPath, argv, {
      encoding: 'utf8',
      env: { ADMIN_PORT: '1' },
    })
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
  })

  // An alarm says what to do, and leads to a page that the console reads from there.
  it('has the pages that the console leads to', async () => {
    const ignored = (await read('.dockerignore')).split('\n')
    expect(ignored).not.toContain('docs')
    const named = (await read('console/docs-page.ts')).matchAll(/'\.\.\/(docs\/[\w-]+\.md)'/g)
    const pages = [...named].map(([, page]) => page)
    expect(pages.length).toBeGreaterThan(5)
    expect(ignored.filter((line) => pages.includes(line))).toEqual([])
    expect(ignored.indexOf('!docs/*.md')).toBeGreaterThan(ignored.indexOf('docs/*'))
  })

  it('has nothing of what measures and proves the grid but what npm wants to see', async () => {
    const ignored = (await read('.dockerignore')).split('\n')
    expect(ignored).toEqual(
      expect.arrayContaining(['proof/*', 'bench/*', 'tests', 'scripts', '**/*.test.ts']),
    )
    const kept = ignored.filter((line) => /^!(?:proof|bench)/.test(line))
    expect(kept).toEqual(['!proof/package.json', '!bench/package.json'])
  })

  it('keeps what is private or made here out of the image', async () => {
    const ignored = (await read('.dockerignore')).split('\n')
    expect(ignored).toEqual(
      expect.arrayContaining(['.git', '**/node_modules', '.spacegrid', '.env*']),
    )
  })
})
