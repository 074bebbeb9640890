import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryToLock } from './file-lock.ts'

/** Whether nobody listens on this port of the loopback address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    // A client that still looks for the server that was here must not keep this one open.
    server.on('connection', (socket) => socket.destroy())
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/** A killed process is gone from the process table before the kernel has released its port. */
export async function becomesFree(port: number, withinMs = 3_000): Promise<boolean> {
  const until = performance.now() + withinMs
  while (!(await isPortFree(port))) {
    if (performance.now() >= until) return false
    await sleep(20)
  }
  return true
}

/**
 * Below those that systems give to outgoing connections, which could take a server's port while it
 * restarts.
 */
const firstPort = 15_000
const ports = 15_000
const attempts = 50
/**
 * Ports that processes of this user have been given, a file each: none is given to two of them, not
 * even while its server is being restarted.
 */
const given = join(tmpdir(), `spacegrid-ports-${process.getuid?.() ?? 'all'}`)

/** Those of this process. */
const claims: string[] = []

/**
 * A port that was free a moment ago. It is given to nobody else here before this process has ended;
 * a stranger may take it all the same.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = firstPort + randomInt(ports)
    if ((await isPortFree(port)) && (await claim(port))) return port
  }
  throw new Error(`No free port on 127.0.0.1 was found in ${attempts} attempts`)
}

async function claim(port: number): Promise<boolean> {
  await mkdir(given, { recursive: true })
  const file = join(given, `${port}`)
  if (!(await tryToLock(file)) && !(await tryToLock(file))) return false
  if (claims.length === 0) process.once('exit', giveBack)
  claims.push(file)
  return true
}

function giveBack(): void {
  for (const file of claims) rmSync(file, { force: true })
}
