import { Redis } from 'ioredis'
import { GridError } from '../../core/errors.ts'
import { filesOfUrl } from '../url-files.ts'

const reconnectMsMax = 1000

export interface RedisConnectionOptions {
  /** Name of the connection in the server's list. */
  readonly name: string
  /** How long a connection that is being made is waited for, in ms. */
  readonly connectMs: number
  /**
   * A server that says nothing for so long although it has been asked, in ms, is given up, and the
   * connection made anew.
   */
  readonly silentMs: number
}

/**
 * One connection to Redis that never queues: a command that cannot be sent now fails now, and one
 * whose connection is lost fails then, neither is repeated. It reconnects by itself for as long as
 * it lives.
 */
export class RedisConnection {
  readonly #redis: Redis
  readonly #connectMs: number
  #lastError: Error | undefined

  /**
   * @param url such as `rediss://host:6379?passwordFile=redis-password&tlsCAFile=ca.pem`
   * @throws GridError `configuration_invalid` when the URL is not one of Redis, or a file that it
   * names cannot be read
   */
  constructor(url: string, options: RedisConnectionOptions) {
    // The value is not repeated: it may hold a password.
    if (!/^rediss?:\/\//.test(url) || !URL.canParse(url))
      throw new GridError(
        'configuration_invalid',
        'A Redis URL is redis://HOST:PORT or rediss://HOST:PORT',
      )
    this.#connectMs = options.connectMs
    const { url: known, files } = filesOfUrl('REDIS_URL', url, ['tlsCAFile'])
    const { tlsCAFile: ca } = files
    this.#redis = new Redis(known, {
      ...(ca === undefined ? {} : { tls: { ca } }),
      connectionName: options.name,
      connectTimeout: options.connectMs,
      socketTimeout: options.silentMs,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, reconnectMsMax),
    })
    // Without a listener the driver prints what goes wrong. Whoever sends a command is told; this
    // adds the reason.
    this.#redis.on('error', (error) => {
      this.#lastError = error
    })
    this.#redis.on('ready', () => {
      this.#lastError = undefined
    })
  }

  /**
   * Runs `work` on the connection. @throws GridError `image_unavailable` for whatever Redis or the
   * way to it has against it
   */
  async use<T>(doing: string, work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      await this.#untilReady()
      return await work(this.#redis)
    } catch (error) {
      if (error instanceof GridError) throw error
      const cause = this.#lastError ?? error
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new GridError('image_unavailable', `${doing}: ${reason}`, { cause })
    }
  }

  close(): void {
    this.#redis.disconnect()
  }

  /**
   * A connection that is just being made is worth waiting for, for a while; one that could not be
   * made is not.
   */
  #untilReady(): Promise<void> {
    const redis = this.#redis
    if (redis.status === 'ready') return Promise.resolve()
    if (redis.status !== 'connecting' && redis.status !== 'connect')
      return Promise.reject(this.#lastError ?? new Error('not connected'))
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void) => {
        clearTimeout(timer)
        redis.off('ready', ready)
        redis.off('close', closed)
        settled()
      }
      const ready = () => settle(resolve)
      const closed = () => settle(() => reject(this.#lastError ?? new Error('not connected')))
      const timer = setTimeout(closed, this.#connectMs)
      redis.once('ready', ready)
      redis.once('close', closed)
    })
  }
}
