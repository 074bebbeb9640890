/** The local servers, in the order in which they are listed. `nats` is nats-server, and so on. */
export const serverNames = ['nats', 'mongodb', 'redis'] as const

export type ServerName = (typeof serverNames)[number]
