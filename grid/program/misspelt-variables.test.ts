import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { knownVariables } from './environment.ts'
import { misspeltVariables } from './misspelt-variables.ts'

const long = knownVariables.filter((name) => name.length >= 6)

const meantBy = (name: string) =>
  misspeltVariables({ [name]: 'x' }, knownVariables).map(
    (line) => line.match(/^(\S+) is set, which nothing reads: is (\S+) meant\?$/)?.[2],
  )

/** One slip of the hand. */
const slips = {
  leftOut: (name: string, at: number) => name.slice(0, at) + name.slice(at + 1),
  doubled: (name: string, at: number) => name.slice(0, at + 1) + name.slice(at),
  swapped: (name: string, at: number) =>
    name.slice(0, at) + (name[at + 1] ?? '') + (name[at] ?? '') + name.slice(at + 2),
  replaced: (name: string, at: number) => `${name.slice(0, at)}X${name.slice(at + 1)}`,
  lowerCase: (name: string) => name.toLowerCase(),
}

describe('misspeltVariables', () => {
  test.each([
    ['MONGDB_URL', 'MONGODB_URL'],
    ['STREAM_BYTE_MAX', 'STREAM_BYTES_MAX'],
    ['STREAM_MAX_BYTES', 'STREAM_BYTES_MAX'],
    ['REDIS_URI', 'REDIS_URL'],
    ['DATADIR', 'DATA_DIR'],
    ['SPACEGRID_CACHES', 'SPACEGRID_CACHE'],
    ['log_level', 'LOG_LEVEL'],
  ])('%s: %s is meant', (name, meant) => {
    expect(meantBy(name)).toEqual([meant])
  })

  test('any one slip in any name of ours is noticed', () => {
    const slip = fc.constantFrom(...Object.values(slips))
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(), slip, (name, number, make) => {
        const wrong = make(name, number % (name.length - 1))
        fc.pre(!knownVariables.includes(wrong))
        expect(meantBy(wrong)).toEqual([name])
      }),
    )
  })

  test('says nothing of what others read', () => {
    const others = [
      ...[
        'PATH',
        'HOME',
        'HOSTNAME',
        'HOSTS',
        'POST',
        'SHELL',
        'USER',
        'PWD',
        'LANG',
        'CI',
        'TERM',
      ],
      ...['NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS', 'LOGNAME', 'INIT_CWD', 'COLORTERM'],
      ...[
        'npm_config_cache',
        'npm_lifecycle_event',
        'DATABASE_URL',
        'KUBERNETES_PORT',
        'XDG_DATA_DIRS',
      ],
      ...['DATA_PUMP', 'NATS_PASSWORD', 'UNIT', 'MONGO_INITDB_DATABASE', 'VITEST_POOL_ID', '_'],
    ]
    expect(others.flatMap(meantBy)).toEqual([])
  })

  test('says nothing when the right one is set too, or the wrong one to nothing', () => {
    expect(
      misspeltVariables({ MONGODB_URI: 'x', MONGODB_URL: 'mongodb://a' }, knownVariables),
    ).toEqual([])
    expect(misspeltVariables({ MONGODB_URI: ' ' }, knownVariables)).toEqual([])
  })
})
