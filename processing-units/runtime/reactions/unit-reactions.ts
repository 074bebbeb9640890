import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Place } from '@spacegrid/grid/core/place'
import type {
  CommandAnswer,
  ExecuteOptions,
  ReactionsStatus,
} from '@spacegrid/grid/doors/request/serving'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { FaultDesk } from '../fault-desk.ts'
import type { UnitOptions } from '../unit-options.ts'
import type { UnitPorts } from '../unit-ports.ts'
import { unknownIn } from '../unknown.ts'
import { cancelling, forgetting } from './key-commands.ts'
import { turnReaction, type WrittenDown } from './outbox-commands.ts'
import { checkedAsk } from './outbox-desk.ts'
import type { Reactive } from './react-request.ts'
import { type ReactingUnit, Reactions } from './reactions.ts'

/** The unit as it is used here. */
export interface UnitOfReactions
  extends Pick<ReactingUnit, 'name' | 'space' | 'logNow' | 'readiness'>,
    Pick<Reactive, 'execute'> {
  /** Runs a command that is not the application's. */
  begin(
    command: AnyCommand,
    input: unknown,
    options: ExecuteOptions,
    hash?: number,
  ): Promise<CommandAnswer<number>>
}

/**
 * What a unit has to do with reactions: those that its space declares, if it declares any, and what
 * those of other spaces ask of it.
 */
export class UnitReactions implements Reactive {
  readonly #unit: UnitOfReactions
  readonly #place: Place | undefined
  readonly #keyMs: number
  /** undefined: the space declares none. */
  readonly #own: Reactions | undefined

  /** @param at `place`: undefined where the space has only one partition */
  constructor(
    unit: UnitOfReactions,
    { logName, place }: { readonly logName: LogName; readonly place: Place | undefined },
    ports: UnitPorts,
    options: UnitOptions,
    faults: FaultDesk,
  ) {
    this.#unit = unit
    this.#place = place
    this.#keyMs = options.idempotencyMs
    // They are commands: units that take them do them.
    if (!unit.space.reactions || !options.takesCommands) return
    const { name, space } = unit
    const whole = place === undefined ? this : undefined
    const reacting = {
      ...{ name, space, logName, whole },
      get logNow() {
        return unit.logNow
      },
      readiness: () => unit.readiness(),
      turn: async (turned: object) =>
        (await unit.begin(turnReaction, turned, {})).result as WrittenDown,
    }
    this.#own = new Reactions(reacting, ports, options, faults)
  }

  get space() {
    return this.#unit.space
  }

  get logNow(): number {
    return this.#unit.logNow
  }

  execute(command: string, input: unknown, options: ExecuteOptions): Promise<CommandAnswer> {
    return this.#unit.execute(command, input, options)
  }

  async cancel(name: string, input: unknown, key: string): Promise<CommandAnswer<number>> {
    const command = this.space.commands.get(name)
    if (!command) throw unknownIn(this.space, 'command', name)
    const asked = { idempotencyKey: key, acknowledge: 'committed' } as const
    return await this.#unit.begin(cancelling(command), input, asked)
  }

  async forget(keys: readonly string[]): Promise<void> {
    // Remembered commands are where they were done, whatever their hash.
    await this.#unit.begin(forgetting(this.#keyMs), { keys }, {}, this.#place?.partition)
  }

  /**
   * What operators ask of the outbox.
   * @throws GridError `invalid_input`, `not_ready`, `not_found`
   */
  async ask(asked: object): Promise<unknown> {
    if (this.#own) return await this.#own.ask(checkedAsk(asked))
    const { name } = this.space
    throw new GridError('not_found', `Space ${name} declares no reactions, and has no outbox`)
  }

  start(): void {
    this.#own?.start()
  }

  follow(replica: Replica): void {
    this.#own?.follow(replica)
  }

  rest(): void {
    this.#own?.rest()
  }

  leave(): void {
    this.#own?.leave()
  }

  async stop(): Promise<void> {
    await this.#own?.stop()
  }

  status(): ReactionsStatus | undefined {
    return this.#own?.status()
  }
}
