/** What a certificate is for, and what each server is called in a compose file. */
export const certified = {
  nats: ['nats', 'nats-1', 'nats-2', 'nats-3'],
  mongodb: ['mongodb'],
  redis: ['redis'],
  http: ['processing-unit', 'query-unit', 'waiting-room', 'console', 'gateway'],
} as const
export type CertifiedServer = keyof typeof certified

/** The user of MongoDB that the grid is. */
export const mongodbUser = 'spacegrid'

/** Names of the files in a folder of keys; everything that uses one asks here. */
export const keyFiles = {
  authority: 'ca.pem',
  authorityKey: 'ca-key.pem',
  natsUsers: 'nats-users.conf',
  mongodbPassword: 'mongodb-password',
  /** By which members of a replica set know each other. */
  mongodbSet: 'mongodb-keyfile',
  redisPassword: 'redis-password',
  redisUsers: 'redis-users.acl',
  adminToken: 'admin-token',
  /** Of operators, who may everything; and where units find its hash, and what it may. */
  apiKey: 'api-key',
  apiKeys: 'api-keys.json',
  permissions: 'permissions.json',
  nkey: (name: string) => `${name}.nk`,
  certificate: (server: CertifiedServer) => `${server}.pem`,
} as const
