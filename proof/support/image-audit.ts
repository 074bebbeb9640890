import { hashString } from '@spacegrid/grid/core/hash'
import { Digest } from '@spacegrid/grid/core/version'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'

export interface ImageAudit {
  readonly position: number
  /** As the image's checkpoint says. */
  readonly digest: string
  /** As computed from its entries. */
  readonly computedDigest: string
  readonly entries: number
}

/**
 * Whether there is an image that a unit could rehydrate from: one that is still being built has no
 * position yet.
 */
export async function imageIsWhole(redisUrl: string, space: string): Promise<boolean> {
  const image = new RedisImage(redisUrl, new SystemClock())
  try {
    return ((await image.checkpoint(space))?.position ?? 0) > 0
  } finally {
    await image.close()
  }
}

/**
 * Reads the whole warm image of a space; undefined when there is none, or it was moved on while it
 * was read.
 */
export async function auditImage(redisUrl: string, space: string): Promise<ImageAudit | undefined> {
  const image = new RedisImage(redisUrl, new SystemClock())
  try {
    const scan = await image.scan(space)
    if (!scan || scan.start.position <= 0) return undefined
    const { caches } = decodeHeader(scan.start.replicated).shape
    const numbers = new Map(caches.map(({ name }, number) => [name, number]))
    // Redis may show an entry twice while a hash grows.
    const versions = new Map<string, number>()
    const digest = new Digest()
    for await (const chunk of scan.chunks())
      for (const { cache, key, version } of chunk) {
        const name = `${cache}/${key}`
        if (versions.has(name)) continue
        versions.set(name, version)
        digest.toggle(numbers.get(cache) ?? -1, hashString(key), version)
      }
    const end = await scan.end()
    if (end.position !== scan.start.position) return undefined
    const { position } = end
    return {
      position,
      digest: end.digest,
      computedDigest: digest.toString(),
      entries: versions.size,
    }
  } finally {
    await image.close()
  }
}
