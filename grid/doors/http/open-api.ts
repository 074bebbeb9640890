import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { Space } from '../../core/definition.ts'
import { RequestPath } from '../request/request-pipeline.ts'
import { completeDocument } from './open-api-document.ts'

export interface DocumentOptions {
  readonly title: string
  readonly version: string
}

interface Described extends DocumentOptions {
  /** Markdown. */
  readonly description: string
}

/** How the OpenAPI document is made of the routes' schemas. */
export function swaggerOptions(
  spaces: readonly Space[],
  { title, version, description }: Described,
  asks: boolean,
): FastifyDynamicSwaggerOptions {
  const tokens = new Map(spaces.map(({ name, partitions = 1 }) => [name, partitions > 1]))
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title, version, description },
      tags: spaces.map(({ name, description }) => ({
        name,
        ...(description === undefined ? undefined : { description }),
      })),
    },
    transformObject: (made) =>
      'openapiObject' in made
        ? completeDocument(made.openapiObject, (name) => tokens.get(name), asks)
        : made.swaggerObject,
    // Routes that are compiled from their schemas could be refused for one of them, when the unit
    // has long begun.
    transform: ({ schema, url, route }) => {
      const { schema: own = schema, path } = route.config ?? {}
      const guard = path instanceof RequestPath ? path.guard : undefined
      if (!guard) return { schema: own, url }
      const { permissions, isPublic } = guard
      return { schema: { ...own, 'x-permissions': permissions, 'x-public': isPublic }, url }
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `schema-${index}`,
    },
  }
}
