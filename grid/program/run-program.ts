import { GridError } from '../core/errors.ts'

/**
 * Runs a program's main function. What the world did wrong ends the process with one line: code 2
 * for a configuration that is not usable, code 1 for anything else. Our own bugs keep their stack
 * trace.
 */
export async function runProgram(main: () => Promise<void> | void): Promise<void> {
  try {
    await main()
  } catch (error) {
    const address = unusableAddress(error)
    if (!address && !(error instanceof GridError)) throw error
    process.stderr.write(`${address ?? (error as GridError).message}\n`)
    process.exit(address || (error as GridError).code === 'configuration_invalid' ? 2 : 1)
  }
}

const addressFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use; set PORT or ADMIN_PORT to a free one',
  EADDRNOTAVAIL: 'is not an address of this machine; set HOST to one',
  ENOTFOUND: 'cannot be resolved; set HOST to an address of this machine',
  EACCES: 'needs more rights; set PORT or ADMIN_PORT to 1024 or more',
}

/** What is wrong with an address that cannot be listened on: Node tells it by a code. */
function unusableAddress(error: unknown): string | undefined {
  const { code, syscall, address, hostname, port } = error as {
    code?: string
    syscall?: string
    address?: string
    hostname?: string
    port?: number
  }
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined
  const fault = addressFaults[code ?? '']
  return fault && `${address ?? hostname}${port === undefined ? '' : `:${port}`} ${fault}`
}
