import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Progress } from '../recover/exact-copies.ts'

/** A file of lines, each an entry of one cache. */
export interface ImportFile {
  readonly path: string
  readonly cache: string
}

export interface ImportOptions {
  readonly space: string
  /** In the place of what is there; otherwise that stays, and is counted. */
  readonly overwrite: boolean
  /** Lines that are wrong are told and passed over; otherwise nothing is imported then. */
  readonly skipInvalid: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly progress: Progress
}

/** A line that cannot become an entry. */
export interface InvalidLine {
  readonly file: string
  readonly line: number
  readonly reason: string
}

export interface Imported {
  /** Put into the space. */
  readonly imported: number
  /** There already, and left as they were. */
  readonly present: number
  readonly invalid: readonly InvalidLine[]
  readonly invalidCount: number
}

/** So many requests are under way at a time. */
const atOnceMax = 128
const answerMs = 30_000
/** Whoever is busy is asked again for so long. */
const patienceMs = 60_000
const againMs = 250
/** Wrong lines that are told one by one. */
const toldMax = 100

const codesOfLine: readonly string[] = [
  ...['invalid_input', 'invalid_key', 'invalid_json', 'unknown_cache', 'wrong_partition'],
  ...['body_too_large', 'transaction_too_large'],
]

/**
 * Puts the entries of files into a space: each by a transaction of a unit, through the log, as an
 * operator's correction is, so that every replica and the store get it and the cache's schema
 * holds. May be given again: what is there already is left as it is.
 * @throws GridError what no unit can do, such as `no_responder`
 */
export async function importFiles(
  files: readonly ImportFile[],
  messaging: Messaging,
  options: ImportOptions,
): Promise<Imported> {
  if (options.skipInvalid) return await pass(files, messaging, options, false)
  const checked = await pass(files, messaging, options, true)
  if (checked.invalidCount > 0) return { ...checked, imported: 0, present: 0 }
  return await pass(files, messaging, options, false)
}

async function pass(
  files: readonly ImportFile[],
  messaging: Messaging,
  { space, overwrite, headers, progress }: ImportOptions,
  check: boolean,
): Promise<Imported> {
  const subject = subjects.correct(space)
  const invalid: InvalidLine[] = []
  let [imported, present, invalidCount, seen] = [0, 0, 0, 0]
  const underWay = new Set<Promise<void>>()
  let failure: unknown
  const take = async (file: ImportFile, line: number, text: string) => {
    try {
      const asked = { ...entryOf(text), cache: file.cache, tagged: true }
      const version = overwrite ? {} : { version: 0 }
      const data = Buffer.from(
        JSON.stringify({ ...asked, ...version, ...(check ? { check } : {}) }),
      )
      if (data.length > messaging.messageBytesMax)
        throw new GridError(
          'body_too_large',
          `it has ${data.length} bytes, a message to a unit takes ${messaging.messageBytesMax}`,
        )
      await patiently(() => messaging.request(subject, data, { timeoutMs: answerMs, headers }))
      imported++
    } catch (error) {
      if (error instanceof Rejection && error.reason === 'entry_changed') present++
      else if (isGridError(error) && codesOfLine.includes(error.code)) {
        invalidCount++
        if (invalid.length < toldMax)
          invalid.push({ file: file.path, line, reason: reasonOf(error) })
      } else failure ??= error
    }
    progress(check ? 'looking at lines' : 'importing', ++seen)
  }
  for (const file of files) {
    let line = 0
    const lines = createInterface({ input: createReadStream(file.path), crlfDelay: Infinity })
    for await (const text of lines) {
      line++
      if (text.trim() === '') continue
      if (failure !== undefined) break
      const one = take(file, line, text).finally(() => underWay.delete(one))
      underWay.add(one)
      if (underWay.size >= atOnceMax) await Promise.race(underWay)
    }
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure
  invalid.sort((one, other) => one.line - other.line)
  return { imported, present, invalid, invalidCount }
}

function entryOf(text: string): { readonly key: string; readonly value: object } {
  let entry: unknown
  try {
    entry = JSON.parse(text)
  } catch (error) {
    throw new GridError('invalid_json', (error as Error).message)
  }
  const { key, value } = { ...(entry as { key?: unknown; value?: unknown }) }
  if (typeof key !== 'string' || typeof value !== 'object' || value === null)
    throw new GridError('invalid_input', 'it must be {"key": "…", "value": {…}}')
  return { key, value }
}

/** What is wrong, where: `price must be integer`. */
function reasonOf({ message, details }: GridError): string {
  const errors = (details as { errors?: unknown } | undefined)?.errors
  if (!Array.isArray(errors) || errors.length === 0) return message
  return errors
    .map(({ path, message: problem }) => `${path === '' ? 'value' : path} ${problem}`)
    .join('; ')
}

async function patiently(ask: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      await ask()
      return
    } catch (error) {
      if (!isGridError(error) || !error.retryable || performance.now() > until) throw error
    }
    await new Promise((next) => setTimeout(next, againMs))
  }
}

/** A file's cache is its name, unless another one is said. */
export const importFile = (path: string, cache: string | undefined): ImportFile => ({
  path,
  cache: cache ?? basename(path).replace(/\.ndjson$|\.jsonl$|\.json$/, ''),
})
