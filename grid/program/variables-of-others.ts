/** Of local servers, read where their programs are looked for. */
const localServerVariables = [
  'SPACEGRID_CACHE',
  'NATS_SERVER_BINARY',
  'MONGOD_BINARY',
  'REDIS_SERVER_BINARY',
]

/** Of `gateway/haproxy.cfg`, and where Compose lets it be reached. */
const gatewayVariables = [
  'BIND',
  'ADMIN_BIND',
  'RESOLVER',
  'UNITS',
  'QUERY_UNITS',
  'WAITING_ROOMS',
  'UNIT_ADMIN_PORT',
  'TRUSTED_PROXIES',
  'UNITS_MAX',
  'CONNECTIONS_MAX',
  'UNIT_REQUESTS_MAX',
  'QUEUE_MAX',
  'QUEUE_TIMEOUT',
  'IDLE_TIMEOUT',
  'STREAM_TIMEOUT',
  'STOP_TIMEOUT',
  'ADDRESS',
].map((name) => `GATEWAY_${name}`)

/** Of OpenSSL: near to ours, and meant as they are. */
const opensslVariables = ['SSL_CERT_FILE', 'SSL_CERT_DIR']

/** Variables that are read elsewhere than in `environment.ts`. */
export const variablesOfOthers: readonly string[] = [
  ...localServerVariables,
  ...gatewayVariables,
  ...opensslVariables,
]
