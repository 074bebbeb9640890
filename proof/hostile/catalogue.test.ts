import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decoders } from './decoders.ts'
import { textReaders } from './texts.ts'

const root = join(import.meta.dirname, '../..')
/** What runs in a grid. */
const rooms = [
  ...['grid/{core,engine,drivers,doors,program}', 'data-{pump,reader,writer}', 'console'],
  ...['processing-units/runtime', 'waiting-room', 'deployment-manager'],
]
const sources = rooms
  .flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }))
  .filter((path) => !/\.test\.ts$|test-support|node_modules/.test(path))
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** With these something is made of bytes or text. */
const opens =
  /(?<![\w.#])(?:unpackMessage|readTold|unpackRecord|unpackListInPieces|sealedFormat|isSealedAs|opened|(?:messagePack|packr|BSON\.EJSON|JSON)\s*\.(?:unpack|parse)(?:<\w+>)?)\(/

/** Read by others than the functions that the two lists name; and why that is enough. */
const elsewhere: Readonly<Record<string, string>> = {
  'grid/engine/wire/seal.ts': 'every sealed decoder begins with it',
  'grid/engine/wire/sealed-message.ts': 'every decoder of messages begins with it',
  'grid/engine/wire/packed-bytes.ts': 'every decoder is made of it',
  'grid/engine/wire/message-pack.ts': 'message-pack.test.ts',
  'grid/engine/wire/entry-packer.ts':
    'entry-packer.test.ts: gives what decodeEntry gives, or nothing',
  'grid/drivers/embedded/store-file.ts': 'embedded-damage.test.ts: the file is its owner’s alone',
  'grid/drivers/mongodb/mongo-document.ts': 'what MongoDB itself parses: EJSON of a key',
  'grid/drivers/nats/jetstream-events.ts': 'settings of a stream: message-faults of NATS',
  'grid/drivers/nats/message-faults.ts': 'answers of NATS services: nats-messaging.nats.test.ts',
  'grid/doors/events/query-channel.ts': 'the own answer, just written',
  'grid/doors/request/json-exactness.ts': 'part of parseJsonInput',
  'grid/core/validation.ts': 'the own schema',
  'grid/program/placed-problem.ts': 'a settings file of the operator’s own',
  'processing-units/runtime/reactions/acting.ts': 'what the application has made here',
  'deployment-manager/drivers/kubernetes-driver.ts': 'kubernetes-driver.test.ts',
  'console/grid-looking.ts': 'answers of units, passed on to the page',
  'console/console.ts': 'console.test.ts: the body of a request',
}

const named = [...decoders, ...textReaders].map(({ of }) => of)
/** Whether the lists have something of the file. */
const isListed = (path: string) =>
  named.some((of) => path.endsWith(`${of.slice(0, of.indexOf(' '))}.ts`))

test('whatever makes something of bytes or texts is fuzzed, or known not to need it', () => {
  const found = sources.filter((path) => opens.test(textOf(path)))
  expect(found.length).toBeGreaterThan(30)
  const missing = found.filter((path) => !isListed(path) && !Object.hasOwn(elsewhere, path))
  expect(missing).toEqual([])
  // Nobody is excused who is not there any more, or is fuzzed by now.
  expect(Object.keys(elsewhere).filter((path) => !found.includes(path) || isListed(path))).toEqual(
    [],
  )
})

/** Parts of others that are listed. */
const parts: ReadonlySet<string> = new Set([
  ...['decodeWindow', 'readChanges', 'readTold'],
  ...['decodeEntryKey', 'decodeAuditMessage', 'readStored', 'unpackMessage', 'unpackRecord'],
  ...['unpackListInPieces'],
])

test('every decoder that is exported is fuzzed, or part of one that is', () => {
  const exported =
    /^export (?:async )?(?:function\*? |const )((?:decode|unpack|readChanges|readStored|readTold)\w*)/gm
  const decoding = sources.filter((path) => opens.test(textOf(path)))
  const names = decoding.flatMap((path) =>
    [...textOf(path).matchAll(exported)].map(([, name]) => name as string),
  )
  expect(names.length).toBeGreaterThan(25)
  const missing = names.filter(
    (name) => !parts.has(name) && !named.some((of) => of.split(/[ ,]/)[1] === name),
  )
  expect(missing).toEqual([])
  expect([...parts].filter((name) => !names.includes(name))).toEqual([])
})
