import type { GoalContext } from './goal-context.ts'

/** Writes entries into a hash of Redis, to be scanned. @returns whether Redis could be had */
export async function startScanned(context: GoalContext, entries: number): Promise<boolean> {
  const started = await context.orLeftOut('Redis', () => start(context, entries, true))
  if (started) await context.close(started)
  return started !== undefined
}

/**
 * Reads them all into a Map, in a process just started, as a unit that rehydrates is. @returns ms
 */
export async function scan(
  context: GoalContext,
  entries: number,
  flags?: readonly string[],
): Promise<number> {
  const reader = await start(context, entries, false, flags)
  const scannedMs = await reader.request<number>('scan')
  await context.close(reader)
  return scannedMs
}

const start = async (
  context: GoalContext,
  entries: number,
  loads: boolean,
  flags?: readonly string[],
) => {
  const url = await context.servers.url('redis')
  return await context.start('redis-scan', { url, entries, loads }, flags)
}
