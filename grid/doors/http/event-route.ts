import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type AskedBy, permissionName } from '../../core/access.ts'
import { readableEvents } from '../../core/readable-events.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import { SpaceEvents } from '../events/space-events.ts'
import type { FollowFilter } from '../request/live.ts'
import { type AskedEvents, EventFilters, eventParameters } from './event-filter.ts'
import type { Door } from './exchange.ts'
import { resumeHeader, streamResponses } from './schema-parts.ts'
import { admitReader, type StreamAsked, StreamRequest } from './stream-request.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** `GET /{space}/events`. */
export function addEventRoute(
  app: FastifyInstance,
  { streams, pipeline }: Door,
  rotation: UnitRotation,
  readable: ReadonlyMap<string, ReadableFields>,
  undeclared: boolean,
): void {
  const { space } = rotation
  const filters = new EventFilters(space, readable, undeclared)
  const { shown, names } = readableEvents(space, undeclared)
  const eventsOf = (name: string) => permissionName(space.name, 'events', name)
  const changesOf = (cache: string) => permissionName(space.name, 'changes', cache)
  const telemetry = pipeline.streamTelemetry(space.name)
  const unit = () => rotation.next()
  const events = new SpaceEvents({ space, streams, shown, unit, telemetry })
  /** Of a cache with a rule whoever follows it is part of what is followed. */
  const onBehalf = (filter: FollowFilter, by: AskedBy): FollowFilter => {
    const { entries } = filter
    const ruled = entries && space.caches.some((it) => it.name === entries.cache && it.visible)
    return ruled && by !== undefined ? { ...filter, entries: { ...entries, by } } : filter
  }
  const path = pipeline.stream<StreamAsked<AskedEvents>>(
    space.name,
    'events',
    ({ position }, { what: { filter, lastEventId }, reply }, asked) =>
      admitReader(streams, reply, { position, caller: asked.caller }, (open) =>
        events.join(onBehalf(filter, pipeline.by(asked)), asked.lastEventId ?? lastEventId, open),
      ),
    {
      any: [...[...(names ?? []), '*'].map(eventsOf), ...[...readable.keys()].map(changesOf)],
      permissions: ({ what: { filter } }) => [
        ...(filter.events ?? ['*']).map(eventsOf),
        ...(filter.entries ? [changesOf(filter.entries.cache)] : []),
      ],
    },
  )
  const schema = {
    operationId: `${space.name}.events`,
    tags: [space.name],
    summary: 'Domain events and changes of entries as they happen: server-sent events',
    querystring: eventParameters,
    headers: resumeHeader,
    response: streamResponses,
  }
  app.get(
    `/${space.name}/events`,
    { config: { schema, path }, exposeHeadRoute: false },
    (request, reply) => path.run(rotation.next(), new EventsRequest(request, reply, filters)),
  )
}

class EventsRequest extends StreamRequest<AskedEvents> {
  readonly #filters: EventFilters

  constructor(request: FastifyRequest, reply: FastifyReply, filters: EventFilters) {
    super(request, reply)
    this.#filters = filters
  }

  protected what(): AskedEvents {
    return this.#filters.parse(this.text)
  }
}
