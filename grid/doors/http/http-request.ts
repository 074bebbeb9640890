import type { FastifyReply, FastifyRequest } from 'fastify'
import { isRefusal } from '../request/access/access-control.ts'
import type { Request } from '../request/request.ts'
import type { Trace } from '../request/trace.ts'
import { headerOf, oneHeaderOf, traceOfRequest } from './exchange.ts'

/**
 * A request that came by HTTP. The error's problem document is written by the server's error
 * handler.
 */
export abstract class HttpRequest<Asked, Answer> implements Request<Asked, Answer, void> {
  protected readonly request: FastifyRequest
  protected readonly reply: FastifyReply

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.request = request
    this.reply = reply
  }

  get door(): 'http' {
    return 'http'
  }

  get address(): string | undefined {
    return this.request.ip
  }

  get credential(): string | undefined {
    return headerOf(this.request, 'authorization')
  }

  get trace(): Trace {
    return traceOfRequest(this.request)
  }

  header(name: string): string | undefined {
    return oneHeaderOf(this.request, name)
  }

  headers(name: string): string | undefined {
    return headerOf(this.request, name.toLowerCase())
  }

  abstract input(): unknown
  abstract answer(answer: Answer, asked: Asked): void | Promise<void>

  refuse(error: unknown, position: number): never {
    // Whoever may not ask is not told how far things are.
    if (!isRefusal(error)) this.reply.header('grid-position', position)
    throw error
  }
}
