import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { documentsPermission } from '../../core/access.ts'
import type { Space } from '../../core/definition.ts'
import { introduction, logo, pageStyle } from './documentation-page.ts'
import { type Door, sendJson } from './exchange.ts'
import { type DocumentOptions, swaggerOptions } from './open-api.ts'
import { protectPages } from './page-headers.ts'
import { problemSchema } from './schema-parts.ts'

/** The OpenAPI document of all routes, and a page to read and try it. */
export function addDocumentation(
  app: FastifyInstance,
  door: Door,
  spaces: readonly Space[],
  options: DocumentOptions,
): void {
  const described = { ...options, description: introduction(spaces) }
  app.addSchema(problemSchema)
  app.register(swagger, swaggerOptions(spaces, described, door.pipeline.access !== undefined))
  app.register(async (page) => {
    page.addHook('onRoute', (route) => {
      route.config = { ...route.config, permission: documentsPermission } as object
    })
    await protectPages(page)
    page.register(swaggerUi, pageOptions(options.title))
  })
  let document: string | undefined
  app.register(async (routes) => {
    const config = { permission: documentsPermission }
    routes.get('/openapi.json', { schema: { hide: true }, config }, async (_request, reply) => {
      document ??= JSON.stringify(app.swagger())
      sendJson(door, reply, [], document)
    })
  })
}

const pageOptions = (title: string): FastifySwaggerUiOptions => ({
  routePrefix: '/docs',
  logo: { type: 'image/svg+xml', content: Buffer.from(logo) },
  theme: {
    title: `${title} – API`,
    css: [{ filename: 'page.css', content: pageStyle }],
    favicon: [
      {
        filename: 'icon.svg',
        rel: 'icon',
        sizes: 'any',
        type: 'image/svg+xml',
        content: Buffer.from(logo),
      },
    ],
  },
  uiConfig: {
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
  },
})
