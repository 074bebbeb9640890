import { RequestStrategy, type ServiceIdentity } from 'nats'
import { toLogError } from './log-faults.ts'
import { NatsConnection } from './nats-connection.ts'

/** A process that serves spaces, as its services tell of it (`docs/nats.md`, Discovery). */
export interface KnownUnit {
  readonly unit: string
  /** `unit`, or `query-unit`: it takes no commands. */
  readonly role: string
  /** Address of its public HTTP. */
  readonly http: string
  /** Address of its health, status and metrics. Absent: it does not say. */
  readonly admin: string | undefined
  readonly spaces: readonly string[]
}

/** Everybody answers at once who is there; the slowest is waited for so long. In ms. */
const answerMsMax = 2000
/** Answers further apart than this are not of the same question. In ms. */
const pauseMsMax = 300
const prefix = 'spacegrid-'

/** Asks who serves, over one connection, as often as anybody wants to know. */
export class KnownUnits {
  readonly #connection: NatsConnection

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(natsUrl: string): Promise<KnownUnits> {
    const settings = { name: 'units', connectTimeoutMs: 5000 }
    return new KnownUnits(await NatsConnection.open(natsUrl, settings))
  }

  private constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  /**
   * Those that are there now, in the order of their names. Units of a version that does not say
   * where it is are not found.
   * @throws GridError `log_unavailable`
   */
  async ask(): Promise<KnownUnit[]> {
    const found = new Map<string, KnownUnit>()
    try {
      const services = this.#connection.driver.services.client({
        strategy: RequestStrategy.JitterTimer,
        maxWait: answerMsMax,
        jitter: pauseMsMax,
      })
      for await (const told of await services.ping()) note(found, told)
    } catch (error) {
      // Nobody has any service at all.
      if (Object(error).code !== '503') throw toLogError(error, 'the services')
    }
    return [...found.values()].toSorted((one, other) => (one.unit < other.unit ? -1 : 1))
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

function note(found: Map<string, KnownUnit>, { name, metadata = {} }: ServiceIdentity): void {
  const { unit, role = '', http, admin } = metadata
  if (!name.startsWith(prefix) || unit === undefined || http === undefined) return
  const space = name.slice(prefix.length)
  const spaces = found.get(unit)?.spaces ?? []
  // A service of one partition says nothing that its space's has not said.
  const isPart = /-\d+$/.test(space)
  found.set(unit, { unit, role, http, admin, spaces: isPart ? spaces : [...spaces, space] })
}
