/**
 * Keeps the process alive until the work is done: what is embedded, or in files, has nothing else
 * that would while it waits.
 */
export async function keptAlive<T>(work: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => undefined, 1000)
  try {
    return await work()
  } finally {
    clearInterval(alive)
  }
}
