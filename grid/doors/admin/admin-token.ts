import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GridError } from '../../core/errors.ts'
import { KnownSecret } from '../request/known-secret.ts'

/** What probes ask says nothing that is a secret, and must be answered to those who have none. */
const open = '/health/'

/** Who does not show the token hears how alive and ready the process is, and nothing else. */
export function requireToken(app: FastifyInstance, token: string): void {
  const wanted = new KnownSecret(token)
  app.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith(open)) {
      done()
      return
    }
    const shown = tokenIn(request)
    if (shown !== undefined && wanted.is(shown)) {
      done()
      return
    }
    reply.header('www-authenticate', 'Bearer')
    const reason = shown === undefined ? 'missing' : 'invalid'
    done(
      new GridError('unauthenticated', 'Administration needs its token: Authorization: Bearer …', {
        details: { reason },
      }),
    )
  })
}

/** What whoever has the token sends with a request. */
export const tokenHeaders = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

function tokenIn({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
}
