import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { knownVariables } from './environment.ts'
import { misspeltVariables } from './misspelt-variables.ts'

const long = knownVariables.filter((name) => name.length >= 6)

const meantBy = (name: string) =>
  misspeltVariables({ [name]: 'x' }, knownVariables).map(
    (line) => line.match(/^(\S+) is set, which nothing reads: is (\S+) meant\?$/)?.[2],
  )
const isKnown = (name: string) => knownVariables.includes(name)
const isTold = (name: string) => meantBy(name).length === 1

const letters = (name: string) => Array.from(name, (_, at) => at)
const wordsOf = (name: string) => name.split('_')
const without = (words: readonly string[], at: number) => words.toSpliced(at, 1).join('_')
const inNumber = (word: string) =>
  word.endsWith('IES')
    ? `${word.slice(0, -3)}Y`
    : word.endsWith('S')
      ? word.slice(0, -1)
      : /[^AEIOU]Y$/.test(word)
        ? `${word.slice(0, -1)}IES`
        : `${word}S`

/** All that can be made of a name by one mistake of each kind. */
const mistakes: Readonly<Record<string, (name: string) => readonly string[]>> = {
  'a letter left out': (name) => letters(name).map((at) => slips.leftOut(name, at)),
  'two letters swapped': (name) =>
    letters(name)
      .slice(1)
      .map((at) => slips.swapped(name, at - 1)),
  'singular for plural, or plural for singular': (name) =>
    wordsOf(name).map((word, at) => wordsOf(name).with(at, inNumber(word)).join('_')),
  'words in another order': (name) =>
    wordsOf(name)
      .slice(1)
      .map((_, at) => [...wordsOf(without(wordsOf(name), at)), wordsOf(name)[at]].join('_')),
  'a word left out': (name) => wordsOf(name).map((_, at) => without(wordsOf(name), at)),
}

/** What may well be a variable of somebody else: `PORT`, `DELAY_MS`. */
function isAnybodys(rest: string, name: string): boolean {
  const words = wordsOf(rest)
  if (words.length === 1) return rest === '' || `${rest}_URL` !== name
  return words.length === 2 && words[0] !== wordsOf(name)[0]
}

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
    ['port', 'PORT'],
    ['SCALE_IN_AFTER', 'SCALE_IN_AFTER_MS'],
    ['TRUSTED_PROXY', 'TRUSTED_PROXIES'],
    ['WAITING_ROOM_VISIT', 'WAITING_ROOM_VISIT_MS'],
    ['GATEWAY_TRUSTED_PROXY', 'GATEWAY_TRUSTED_PROXIES'],
    ['QUEUE_MS', 'QUEUE_DELAY_MS'],
    ['NATS', 'NATS_URL'],
    ['HOSTS', 'HOST'],
    ['ORT', 'PORT'],
  ])('%s: %s is meant', (name, meant) => {
    expect(meantBy(name)).toEqual([meant])
  })

  test.each(Object.entries(mistakes))('%s, in any name of ours', (kind, of) => {
    const silent = knownVariables.flatMap((name) =>
      of(name)
        .filter((wrong) => wrong !== name && !isKnown(wrong) && !isTold(wrong))
        .filter((wrong) => kind !== 'a word left out' || !isAnybodys(wrong, name)),
    )
    expect(silent).toEqual([])
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
      ...['PATH', 'HOME', 'HOSTNAME', 'POST', 'SHELL', 'USER', 'PWD', 'LANG', 'CI', 'TERM'],
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

test('every variable of the gateway and of local servers is known', async () => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
  const gateway = (await read('gateway/haproxy.cfg')).matchAll(/\$\{(GATEWAY_\w+)/g)
  const servers = (await read('spacegrid/servers/binary-sources.ts')).matchAll(/override: '(\w+)'/g)
  const names = [...gateway, ...servers].map(([, name]) => name as string)
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => !isKnown(name))).toEqual([])
})
