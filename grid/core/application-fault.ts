import { GridError, isGridError } from './errors.ts'
import { Misuse } from './misuse.ts'
import { isOwnSource } from './own-sources.ts'

/** One of an application's functions, as it is told to people. */
export interface Callback {
  readonly kind: 'command' | 'query' | 'answer' | 'projection' | 'expiry' | 'upcast' | 'reaction'
  /** Of the command, the query, the projection; of the cache whose entry expires or is read. */
  readonly name: string
  /** What `define…` has made: tells where in the application it was declared. */
  readonly declared: object
}

/**
 * What a callback has returned cannot be what it declares. Told with the place of its declaration:
 * it has returned, no line of it is left.
 */
export class ReturnFault extends TypeError {
  readonly path: string
  /** Promises in what it has returned: their rejections are nobody's, and would end the process. */
  readonly promises: readonly unknown[]

  constructor(path: string, problem: string, promises: readonly unknown[] = []) {
    super(path === '' ? problem : `${path} ${problem}`)
    this.name = 'ReturnFault'
    this.path = path
    this.promises = promises
  }
}

/**
 * A mistake of the application: in the unit's log with everything that helps to find it, told to
 * the caller as 500 with the id under which it is logged, and with nothing of its contents.
 */
export class ApplicationFault extends GridError {
  readonly id: string
  readonly callback: Omit<Callback, 'declared'>
  readonly cache: string | undefined
  readonly field: string | undefined
  /** Of the application: file, line and column. */
  readonly line: string | undefined

  /** @param position where the command has been committed all the same */
  constructor(callback: Callback, cause: unknown, id: string, position?: number) {
    const { kind, name } = callback
    const line = lineOf(callback, cause)
    const at = line === undefined ? '' : ` (${line})`
    super('application_fault', `${kind} ${name}: ${textOf(cause)}${at}`, {
      cause,
      details: {
        id,
        [kind === 'answer' ? 'command' : kind]: name,
        ...(position === undefined ? undefined : { position }),
      },
    })
    this.name = 'ApplicationFault'
    this.id = id
    this.callback = { kind, name }
    this.line = line
    const { cache, field } = placeOf(cause)
    this.cache = kind === 'expiry' || kind === 'upcast' ? name : cache
    this.field = field
  }

  /** What helps to find it, as plain texts for a log. */
  get told(): Readonly<Record<string, string | undefined>> {
    const { id, callback, cache, field, line, cause } = this
    const { kind, name } = callback
    return { id, kind, callback: name, cache, field, line, stack: stackOf(cause) }
  }
}

/**
 * The stack of an error, whatever it is; nothing else of what has been thrown is looked at. Of what
 * is none, and of what does not let itself be looked at, there is none.
 */
export function stackOf(cause: unknown): string | undefined {
  try {
    return cause instanceof Error ? String(cause.stack) : undefined
  } catch {
    return undefined
  }
}

/**
 * What is wrong, in one line; whatever has been thrown, and whatever its members do when they are
 * looked at.
 */
export function textOf(cause: unknown): string {
  try {
    if (cause instanceof Error) return String(cause.message).slice(0, textLengthMax)
    return `threw ${String(cause).slice(0, textLengthMax)}`
  } catch {
    return 'threw what cannot be told'
  }
}

const textLengthMax = 1000

function placeOf(cause: unknown): {
  readonly cache: string | undefined
  readonly field: string | undefined
} {
  if (cause instanceof Misuse) return { cache: cause.cache, field: cause.field }
  if (cause instanceof ReturnFault) return { cache: undefined, field: cause.path || undefined }
  if (!isGridError(cause)) return { cache: undefined, field: undefined }
  // A value that does not fit: its message begins with its place.
  const cache = /^cache (\w+):/.exec(cause.message)?.[1]
  const { errors } = cause.details
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const path = typeof first === 'object' && first !== null && 'path' in first ? first.path : ''
  return { cache, field: typeof path === 'string' && path !== '' ? path : undefined }
}

const declarations = new WeakMap<object, { readonly stack?: string }>()

/**
 * Remembers where in the application something is declared. Cheap: the text of a stack is made when
 * it is asked for.
 */
export function rememberDeclaration<T extends object>(declared: T): T {
  const place: { readonly stack?: string } = {}
  Error.captureStackTrace(place, rememberDeclaration)
  declarations.set(declared, place)
  return declared
}

function lineOf({ declared }: Callback, cause: unknown): string | undefined {
  const thrown = cause instanceof ReturnFault ? undefined : applicationLine(stackOf(cause))
  return thrown ?? applicationLine(declarations.get(declared)?.stack)
}

/** The first line of a stack that is neither the grid's nor the engine's. */
export function applicationLine(stack: string | undefined): string | undefined {
  for (const frame of stack?.split('\n') ?? []) {
    const place = /^\s*at (?:.*\()?((?:file:\/\/|[/\\]|[A-Za-z]:)[^()]*:\d+:\d+)\)?$/.exec(
      frame,
    )?.[1]
    if (place === undefined) continue
    const path = decoded(place.replace(/^file:\/\//, ''))
    if (!isOwnSource(path) && !path.includes('/node_modules/typebox/')) return path
  }
  return undefined
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // A file with a percent sign in its name, named as it is.
    return path
  }
}
