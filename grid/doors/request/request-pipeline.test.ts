import { describe, expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { MemoryServing } from '../http/test-support/memory-serving.ts'
import { shop } from '../http/test-support/shop-space.ts'
import type { Caller, Identify } from './caller.ts'
import type { Request } from './request.ts'
import { RequestPipeline } from './request-pipeline.ts'
import type { CommandAnswer, ExecuteOptions, QueryAnswer, ReadOptions } from './serving.ts'

/** A door that writes down what it is asked for, in its order. */
class NotedRequest<Asked, Answer> implements Request<Asked, Answer, Answer> {
  readonly door = 'http'
  readonly address = '192.0.2.7'
  readonly credential: string | undefined
  readonly steps: string[]
  readonly #input: unknown

  constructor(steps: string[], input: unknown, credential?: string) {
    this.steps = steps
    this.credential = credential
    this.#input = input
  }

  header(name: string): string | undefined {
    this.steps.push(name)
    return undefined
  }

  headers(name: string): string | undefined {
    return this.header(name)
  }

  input(): unknown {
    this.steps.push('input')
    return this.#input
  }

  answer(answer: Answer): Answer {
    this.steps.push('answer')
    return answer
  }

  refuse(error: unknown): never {
    this.steps.push('refuse')
    throw error
  }
}

/** A unit that writes down who has asked. */
class NotedUnit extends MemoryServing {
  readonly callers: (Caller | undefined)[] = []
  readonly steps: string[] = []

  override execute(name: string, input: unknown, options: ExecuteOptions = {}) {
    this.steps.push('run')
    this.callers.push(options.caller)
    return super.execute(name, input, options)
  }

  override query(name: string, input: unknown, options: ReadOptions = {}) {
    this.callers.push(options.caller)
    return super.query(name, input, options)
  }

  override entry(cache: string, key: string, options: ReadOptions = {}) {
    this.callers.push(options.caller)
    return super.entry(cache, key, options)
  }
}

const apple = { id: 'apple', price: 3 }
const open = (identify?: Identify) => ({
  unit: new NotedUnit('unit-1', shop),
  pipeline: new RequestPipeline(identify ? { identify } : {}),
})

describe('the way of a request', () => {
  test('who asks is found out first, the unit runs what has been read, the door answers', async () => {
    const { unit } = open()
    const { steps } = unit
    const pipeline = new RequestPipeline({
      identify: (origin) => {
        steps.push('identify')
        return { name: undefined, origin }
      },
    })
    const request = new NotedRequest<ExecuteOptions, CommandAnswer>(steps, apple)
    await pipeline.command('shop', 'putProduct').run(unit, request)
    const headers = ['Idempotency-Key', 'Prefer', 'Grid-Timeout']
    expect(steps).toEqual(['identify', ...headers, 'input', 'run', 'answer'])
  })

  test('everybody is anonymous by default, and where they ask from is known to the unit', async () => {
    const { unit, pipeline } = open()
    const command = new NotedRequest<ExecuteOptions, CommandAnswer>([], apple)
    await pipeline.command('shop', 'putProduct').run(unit, command)
    const query = new NotedRequest<ReadOptions, QueryAnswer>([], { id: 'apple' })
    await pipeline.query('shop', { name: 'product' }).run(unit, query)
    for (const caller of unit.callers) {
      expect(caller?.name).toBeUndefined()
      expect(caller?.origin).toMatchObject({ door: 'http', address: '192.0.2.7' })
    }
    expect(unit.callers).toHaveLength(2)
  })

  test('a name that takes its time to be found reaches the unit', async () => {
    const identify: Identify = async (origin) => ({ name: origin.credential, origin })
    const { unit, pipeline } = open(identify)
    const request = new NotedRequest<ExecuteOptions, CommandAnswer>([], apple, 'ann')
    await pipeline.command('shop', 'putProduct').run(unit, request)
    expect(unit.callers[0]?.name).toBe('ann')
  })

  test('what an overloaded unit turns away is not read', async () => {
    const { unit, pipeline } = open()
    const asked: unknown[] = []
    Object.assign(unit, {
      turnAway: (...args: unknown[]) => {
        asked.push(...args)
        throw new GridError('overloaded', 'not now')
      },
    })
    const request = new NotedRequest<ExecuteOptions, CommandAnswer>([], apple)
    const asking = pipeline.command('shop', 'putProduct').run(unit, request)
    await expect(asking).rejects.toMatchObject({ code: 'overloaded' })
    expect(asked).toEqual(['putProduct', { name: undefined, origin: request }])
    expect(request.steps).toEqual(['refuse'])
  })

  test('whoever is not let in gets that error, and nothing of the request is read', async () => {
    const nobody = () => {
      throw new GridError('overloaded', 'not now')
    }
    const { unit, pipeline } = open(nobody)
    const request = new NotedRequest<ExecuteOptions, CommandAnswer>([], apple)
    const asking = pipeline.command('shop', 'putProduct').run(unit, request)
    await expect(asking).rejects.toMatchObject({ code: 'overloaded' })
    expect(request.steps).toEqual(['refuse'])
    expect(unit.callers).toEqual([])
  })
})
