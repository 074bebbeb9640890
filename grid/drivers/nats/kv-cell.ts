import { type KV, type NatsConnection as DriverConnection } from 'nats'
import type { Cell, CellValue } from '../../engine/ports/cell.ts'
import { toLogError } from './log-faults.ts'

const requestTimeoutMs = 3000

/**
 * A value in a key-value bucket of JetStream, which is written with the revision that it replaces:
 * the server compares and sets. The bucket is created where there is none.
 */
export class KvCell implements Cell {
  readonly #kv: KV
  readonly #key: string

  /** @throws GridError `log_unavailable` */
  static async open(
    connection: DriverConnection,
    bucket: string,
    key: string,
    replicas = 1,
  ): Promise<KvCell> {
    try {
      const { views } = connection.jetstream({ timeout: requestTimeoutMs, checkAPI: false })
      return new KvCell(await views.kv(bucket, { replicas, history: 1 }), key)
    } catch (error) {
      throw toLogError(error, `The bucket ${bucket} cannot be opened`)
    }
  }

  private constructor(kv: KV, key: string) {
    this.#kv = kv
    this.#key = key
  }

  async read(): Promise<CellValue | undefined> {
    try {
      const entry = await this.#kv.get(this.#key)
      return entry && entry.operation === 'PUT'
        ? { data: entry.value, revision: entry.revision }
        : undefined
    } catch (error) {
      throw toLogError(error, `${this.#key} cannot be read`)
    }
  }

  async write(data: Uint8Array, replaces: number): Promise<number> {
    try {
      return await this.#kv.update(this.#key, data, replaces)
    } catch (error) {
      throw toLogError(error, `${this.#key} cannot be written`)
    }
  }
}
