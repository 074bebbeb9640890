import type { FastifyInstance } from 'fastify'

/** What a page may load, beside what it brings: nothing of others, and no script in its text. */
const directives = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  // Swagger UI sets styles of elements.
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
}

/**
 * Headers that keep pages from doing, and being done, what they need not; of the routes of this
 * scope alone: answers to programs are no pages, and are many.
 */
export async function protectPages(pages: FastifyInstance): Promise<void> {
  const { default: helmet } = await import('@fastify/helmet')
  await pages.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives },
    referrerPolicy: { policy: 'no-referrer' },
    // Whoever stands in front with TLS says so, for all that it serves.
    strictTransportSecurity: false,
  })
}
