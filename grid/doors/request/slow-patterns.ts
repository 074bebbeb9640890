import { createRequire } from 'node:module'
import { createContext, runInContext } from 'node:vm'
import type { Token, tokenizer, types } from 'ret'
import type { Space } from '../../core/definition.ts'

/** Its types tell of an ES module that it is not. */
const ret = createRequire(import.meta.url)('ret') as typeof tokenizer & {
  readonly types: typeof types
}

/** A pattern of an application's schema that takes too long for some text. */
export interface SlowPattern {
  /** `command x`, `query x`, `cache x`. */
  readonly where: string
  /** Of the field, with dots. */
  readonly path: string
  readonly pattern: string
}

/** A pattern that takes longer for one text is slow, ms: fast ones need a thousandth of it. */
const slowMs = 100
/** Longest text that is tried. */
const lengthMax = 20_000
/** Repetitions that can run this often are tried. */
const repetitionsMin = 10
const probesMax = 200

/**
 * Finds patterns with which one request can hold up a unit: each repetition of a pattern is fed
 * with what it repeats, as long as the field may be, behind what the pattern wants before it and
 * with an end that does not fit. What is named here was slow when it was tried; a pattern that is
 * slow only for texts of other kinds is not found.
 */
export function slowPatterns(space: Space): SlowPattern[] {
  const found: SlowPattern[] = []
  const known = new Map<string, boolean>()
  const look = (where: string, schema: unknown) => {
    for (const { path, pattern, maxLength } of patternsIn(schema, [])) {
      const length = Math.min(lengthMax, maxLength ?? lengthMax)
      const id = `${length} ${pattern}`
      const isSlow = known.get(id) ?? isSlowPattern(pattern, length)
      known.set(id, isSlow)
      if (isSlow) found.push({ where, path, pattern })
    }
  }
  for (const { name, input } of space.commands.values()) look(`command ${name}`, input)
  for (const { name, input } of space.queries.values()) look(`query ${name}`, input)
  for (const { name, schema } of space.caches) look(`cache ${name}`, schema)
  return found
}

export const slowPatternNotice = ({ where, path, pattern }: SlowPattern): string =>
  `${where}: the pattern of ${path} can run for seconds, and nothing else happens meanwhile: ${pattern}. Write it without repetitions that can match the same text, or give the field a maxLength`

interface Found {
  readonly path: string
  readonly pattern: string
  readonly maxLength: number | undefined
}

function patternsIn(schema: unknown, path: readonly string[]): Found[] {
  if (typeof schema !== 'object' || schema === null) return []
  if (Array.isArray(schema)) return schema.flatMap((part) => patternsIn(part, path))
  const { pattern, maxLength, properties, patternProperties, ...rest } = schema as Record<
    string,
    unknown
  >
  const found: Found[] = []
  const limit = typeof maxLength === 'number' ? maxLength : undefined
  if (typeof pattern === 'string') found.push({ path: path.join('.'), pattern, maxLength: limit })
  for (const [name, child] of Object.entries(properties ?? {}))
    found.push(...patternsIn(child, [...path, name]))
  for (const [name, child] of Object.entries(patternProperties ?? {})) {
    found.push({ path: [...path, 'a name'].join('.'), pattern: name, maxLength: undefined })
    found.push(...patternsIn(child, [...path, '*']))
  }
  for (const [name, child] of Object.entries(rest))
    found.push(...patternsIn(child, name === 'items' ? [...path, '*'] : path))
  return found
}

export function isSlowPattern(pattern: string, length: number = lengthMax): boolean {
  let probes: Probe[]
  let compiled: RegExp
  try {
    compiled = new RegExp(pattern, 'u')
    probes = probesOf(ret(pattern).stack ?? [], ret(pattern).options)
  } catch {
    // What is no pattern is refused elsewhere; what only this reader does not know is not tried.
    return false
  }
  const texts = new Set<string>()
  for (const { prefix, pump } of probes.slice(0, probesMax)) {
    const times = Math.floor((length - prefix.length - 1) / Math.max(1, pump.length))
    if (pump === '' || times < 1) continue
    const text = prefix + pump.repeat(times)
    texts.add(`${text}\u0000`).add(text)
  }
  if (texts.size === 0) return false
  const context = createContext({ pattern: compiled, text: '' })
  for (const text of texts) {
    context.text = text
    try {
      runInContext('pattern.test(text)', context, { timeout: slowMs })
    } catch {
      return true
    }
  }
  return false
}

interface Probe {
  readonly prefix: string
  /** What one repetition takes. */
  readonly pump: string
}

function probesOf(
  stack: readonly Token[],
  options: readonly (readonly Token[])[] | undefined,
  before = '',
): Probe[] {
  if (options) return options.flatMap((option) => probesOf(option, undefined, before))
  const probes: Probe[] = []
  let prefix = before
  for (const token of stack) {
    if (token.type === ret.types.REPETITION) {
      if (token.max >= repetitionsMin)
        for (const pump of samplesOf(token.value)) probes.push({ prefix, pump })
      probes.push(...probesOf([token.value], undefined, prefix))
    } else if (token.type === ret.types.GROUP) {
      probes.push(...probesOf(token.stack ?? [], token.options, prefix))
    }
    prefix += samplesOf(token)[0] ?? ''
  }
  return probes
}

/** Texts that a token matches: one for each alternative of a group, one for each part of a set. */
function samplesOf(token: Token): string[] {
  switch (token.type) {
    case ret.types.CHAR:
      return [String.fromCodePoint(token.value)]
    case ret.types.SET:
      return ordinary.filter((sample) => inSet(token, sample.charCodeAt(0))).slice(0, samplesMax)
    case ret.types.REPETITION:
      return samplesOf(token.value).map((sample) => sample.repeat(Math.max(1, token.min)))
    case ret.types.GROUP:
      if (token.followedBy || token.notFollowedBy) return ['']
      return (token.options ?? [token.stack ?? []]).flatMap(samplesOfSequence)
    default:
      return ['']
  }
}

function samplesOfSequence(tokens: readonly Token[]): string[] {
  let samples = ['']
  for (const token of tokens) {
    const next = samplesOf(token)
    samples = next.map((sample, at) => (samples[at] ?? samples[0] ?? '') + sample)
  }
  return samples
}

/** Characters of one set that are tried. */
const samplesMax = 4

/** One character of each kind that patterns tell apart. */
const ordinary = [...'a0A _-./:@,+!~ém9zZ\t']

type CharacterSet = Extract<Token, { readonly set: unknown }>

function inSet(set: CharacterSet, code: number): boolean {
  const isIn = set.set.some((part) => {
    if (part.type === ret.types.CHAR) return part.value === code
    if (part.type === ret.types.RANGE) return part.from <= code && code <= part.to
    return inSet(part, code)
  })
  return isIn !== set.not
}
