import { ApplicationFault, type Callback } from '@spacegrid/grid/core/application-fault'
import { defineQuery, Type } from '@spacegrid/grid/core/define'
import type { Reader, Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { Process } from '@spacegrid/grid/core/process'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Told } from '@spacegrid/proof/simulator/check/history'
import type {
  ModelMoment,
  RunContext,
  StalePeek,
  Watch,
} from '@spacegrid/proof/simulator/workloads/workload'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { FindingRule, Invariant, Simulation } from '../testing/simulation.ts'
import { installImpureGlobals } from './impure-globals.ts'
import { RangeWatch } from './range-watch.ts'
import { jsonOf, shortened } from './tape.ts'
import type { ValuePool } from './value-pool.ts'
import { WatchedSpace } from './watched-space.ts'

/** Asked of units, so that an invariant reads what their own readers give. */
const invariantsQuery = 'simulatedInvariants'
const rangeEntriesMaxByDefault = 20

/** Looks at one run of a space for broken invariants and for the usual mistakes of handlers. */
export class SpaceWatch implements Watch {
  readonly #simulation: Simulation
  readonly #run: RunContext
  readonly #pool: ValuePool
  readonly #ignored: ReadonlySet<FindingRule>
  readonly #watched: WatchedSpace
  readonly #uninstall = installImpureGlobals()

  constructor(simulation: Simulation, run: RunContext, pool: ValuePool) {
    this.#simulation = simulation
    this.#run = run
    this.#pool = pool
    this.#ignored = new Set(simulation.ignore)
    const random = new SeededRandom(run.seed + 1)
    const { rangeEntriesMax = rangeEntriesMaxByDefault } = simulation
    this.#watched = new WatchedSpace({
      find: (rule, what) => this.#find(rule, what),
      now: () => run.now(),
      random: () => random.uint32() / 2 ** 32,
      ranges: new RangeWatch(rangeEntriesMax, (cache) => run.entryCount(cache)),
    })
  }

  watched(space: Space): Space {
    const watched = this.#watched.of(space)
    const ask = defineQuery(invariantsQuery, {
      input: Type.Object({ isEnd: Type.Boolean() }),
      handler: (read, { isEnd }) => this.#broken(read, isEnd),
    })
    return { ...watched, queries: new Map([...watched.queries, [ask.name, ask]]) }
  }

  heard(name: string, told: Told | { readonly kind: 'read'; readonly result: unknown }): void {
    const { kind } = told
    this.#run.count(`${kind === 'read' ? 'query' : 'command'} ${name}: ${kind}`)
    if (told.kind === 'failure' && told.code === 'application_fault')
      this.#fault(name, told.message)
    if (told.kind === 'answer') this.#pool.learn(name, told.answer.result)
    if (told.kind === 'read') this.#pool.learn(name, told.result)
  }

  /**
   * A fault of what a handler has returned has no line of its own: then it is told where the
   * command is declared.
   */
  #fault(name: string, message: string): void {
    const declared = this.#simulation.space.commands.get(name)
    const hasLine = /:\d+:\d+\)$/.test(message) || !declared
    const problem = message.replace(`command ${name}: `, '')
    this.#find(
      'application fault',
      hasLine ? message : toldOf({ kind: 'command', name, declared }, problem),
    )
  }

  async inspect(unit: ProcessingUnit, name: string, isEnd: boolean): Promise<void> {
    if (!unit.readiness().ready) return
    try {
      const { result, position } = await unit.query(invariantsQuery, { isEnd })
      for (const problem of result as string[])
        this.#find('invariant', `${problem} (${name} at ${position}${isEnd ? ', the end' : ''})`)
    } catch (error) {
      // It may leave service while it is asked; what a projection has thrown is told by the unit.
      if (!isGridError(error)) throw error
    }
  }

  applied({ name, position, ask }: ModelMoment): void {
    const broken = ask((read) => this.#broken(read, false)) as string[]
    for (const problem of broken)
      this.#find('invariant', `${problem} (after ${name} at ${position})`)
  }

  replacedUnread(command: string, { cache, key, seen, present }: StalePeek): void {
    const declared = this.#simulation.space.commands.get(command)
    if (!declared) return
    const what =
      `replaces ${cache}/${key}, of which it has only peeked at ${shortened(jsonOf(seen))}, ` +
      `when it was ${shortened(jsonOf(present))} already: an update is lost; get() it`
    this.#find('lost update', toldOf({ kind: 'command', name: command, declared }, what))
  }

  /** What its functions take back is not what they have added. */
  projected(declared: AnyProjection, problem: string): void {
    const callback: Callback = { kind: 'projection', name: declared.name, declared }
    this.#find('projection', toldOf(callback, problem))
  }

  /** Something is wrong with what follows from an event. */
  followed({ kind, name }: Process, rule: FindingRule, what: string): void {
    const declared = this.#simulation.space.reactions?.get(name)
    if (!declared) return
    const problem = toldOf({ kind: 'reaction', name, declared }, what)
    this.#find(rule, kind === 'process' ? problem.replace(/^reaction/, kind) : problem)
  }

  /** A unit has met a mistake of a callback, whoever it ran for. */
  faulty({ callback: { kind, name }, cause, message }: ApplicationFault): void {
    const declared = this.#simulation.space.reactions?.get(name)
    if (kind === 'reaction' && declared) {
      const callback: Callback = { kind, name, declared }
      this.#find('application fault', new ApplicationFault(callback, cause, '').message)
    } else this.#fault(name, message)
  }

  ended(): void {
    this.#watched.runLate()
  }

  close(): void {
    this.#uninstall()
  }

  #broken(read: Reader, isEnd: boolean): string[] {
    const { invariants = {}, finally: atEnd = {} } = this.#simulation
    const asked = Object.entries(isEnd ? { ...invariants, ...atEnd } : invariants)
    return asked.flatMap(([name, invariant]) => this.#ask(name, invariant, read))
  }

  #ask(name: string, invariant: Invariant, read: Reader): string[] {
    let seen = 0
    const told = invariant(counting(read, (entries) => (seen += entries)))
    this.#run.count(`invariant ${name}: asked`)
    if (seen > 0) this.#run.count(`invariant ${name}: saw entries`)
    return told === true ? [] : [`${name}: ${told}`]
  }

  #find(rule: FindingRule, what: string): void {
    if (!this.#ignored.has(rule)) this.#run.fail(rule, what)
  }
}

/** With the place where the callback is declared. */
function toldOf(callback: Callback, problem: string): string {
  const error = new Error(problem)
  error.stack = ''
  return new ApplicationFault(callback, error, '').message
}

/** Tells how many entries an invariant has got to see: one that has seen none has shown nothing. */
function counting(read: Reader, saw: (entries: number) => void): Reader {
  return {
    now: read.now,
    position: read.position,
    get: (...given: Parameters<Reader['get']>) => {
      const found: unknown = read.get(...given)
      saw(found === undefined ? 0 : 1)
      return found
    },
    range: (...given: Parameters<Reader['range']>) => {
      const found: readonly unknown[] = read.range(...given)
      saw(found.length)
      return found
    },
    page: (...given: Parameters<Reader['page']>) => {
      const found = read.page(...given)
      saw(found.items.length)
      return found
    },
    count: (of: AnyCache | AnyProjection) => {
      const count = read.count(of)
      saw(count)
      return count
    },
    notFound: (message: string) => read.notFound(message),
  } as Reader
}
