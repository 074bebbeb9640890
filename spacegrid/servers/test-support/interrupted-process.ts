import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/**
 * The other process of `made-once.servers.test.ts`: makes a folder, and is killed after its N-th
 * change of the file system. `node interrupted-process.ts FOLDER N`; N = 0: it is left alone.
 */
const [folder = '', number] = process.argv.slice(2)
let calls = 0

const die = () => {
  process.kill(process.pid, 'SIGKILL')
  // The signal is delivered before anything else is done.
  for (;;);
}

const functions = fs as unknown as Record<string, unknown>
for (const [name, call] of Object.entries(functions)) {
  // What only reads leaves nothing behind.
  if (typeof call !== 'function' || ['access', 'readFile', 'stat', 'readdir'].includes(name))
    continue
  functions[name] = async (...input: unknown[]) => {
    const at = ++calls
    const result = await call(...input)
    if (at === Number(number)) die()
    return result
  }
}
syncBuiltinESMExports()

const { madeOnce } = await import('../made-once.ts')
await madeOnce(folder, 'product', async (staging) => {
  // As `go mod init` does: fails where one is already.
  await fs.mkdir(`${staging}/building`)
  await fs.writeFile(`${staging}/building/go.mod`, 'module', { flag: 'wx' })
  await fs.writeFile(`${staging}/building/product`, 'half')
  await fs.writeFile(`${staging}/building/product`, 'whole')
  await fs.rename(`${staging}/building/product`, `${staging}/product`)
  await fs.rm(`${staging}/building`, { recursive: true })
})
