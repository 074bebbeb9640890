import type { FastifyReply } from 'fastify'
import type { TSchema } from 'typebox'
import type { FaultLog } from '../services/public-error.ts'

type Serialize = (result: unknown) => string

const plainJson: Serialize = (result) => JSON.stringify(result ?? null) ?? 'null'

/**
 * Writes the results of one command or query as JSON: by code compiled from the declared schema where there is one,
 * which leaves out fields that the schema does not declare. A result that does not fit its own schema is a mistake of
 * the application, found too late to refuse (the command is committed): it is logged once and written as it is.
 */
export class ResultSerializer {
  readonly #what: string
  readonly #schema: TSchema | undefined
  readonly #log: FaultLog
  #compiled: Serialize | undefined
  #complained = false

  constructor(what: string, schema: TSchema | undefined, log: FaultLog) {
    this.#what = what
    this.#schema = schema
    this.#log = log
    this.#compiled = schema === undefined ? plainJson : undefined
  }

  /** @param reply any reply of the route: fastify hands out its compiler there */
  serialize(result: unknown, reply: FastifyReply): string {
    this.#compiled ??= this.#compile(reply)
    try {
      return this.#compiled(result)
    } catch (error) {
      if (this.#compiled === plainJson) throw error
      if (!this.#complained)
        this.#log.error({ err: error }, `The result of ${this.#what} does not fit its schema`)
      this.#complained = true
      return plainJson(result)
    }
  }

  #compile(reply: FastifyReply): Serialize {
    const compiled = reply.compileSerializationSchema({ ...this.#schema })
    return (result) => (result === undefined ? 'null' : compiled(result as Record<string, unknown>))
  }
}
