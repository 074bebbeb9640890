import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Texts of all logs of a closed cluster, its servers' too, by their paths. */
async function logsOf(folder: string): Promise<[path: string, text: string][]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const logs = files.filter((file) => file.isFile() && file.name.endsWith('.log'))
  const paths = logs.map(({ parentPath, name }) => join(parentPath, name))
  return await Promise.all(
    paths.map(async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')]),
  )
}

/** What NATS has refused to somebody, by who told of it; nothing, where all keep to their own. */
export async function violations(folder: string): Promise<string[]> {
  const logs = await logsOf(folder)
  return logs.flatMap(([path, text]) =>
    text
      .split('\n')
      .filter((line) => /permissions violation|(?:publish|subscription) violation/i.test(line))
      .map((line) => `${path}: ${line.slice(0, 300)}`),
  )
}

/** Where a secret of the keys stands that is for nobody's eyes: logs, and command lines. */
export async function leaks(folder: string, pids: readonly number[]): Promise<string[]> {
  const keys = join(folder, 'keys')
  const names = (await readdir(keys)).filter((name) =>
    /\.nk$|password$|keyfile$|token$|^api-key$/.test(name),
  )
  const secrets = await Promise.all(
    names.map(async (name) => [name, (await readFile(join(keys, name), 'utf8')).trim()] as const),
  )
  const told = [
    ...(await logsOf(folder)),
    ...(await Promise.all(
      pids.flatMap((pid) =>
        ['cmdline', 'environ'].map(async (what) => {
          const path = `/proc/${pid}/${what}`
          return [path, await readFile(path, 'utf8').catch(() => '')] as const
        }),
      ),
    )),
    ...(await Promise.all(
      ['cluster.json', 'servers.json'].map(
        async (name) => [name, await readFile(join(folder, name), 'utf8')] as const,
      ),
    )),
  ]
  return told.flatMap(([where, text]) =>
    secrets.filter(([, secret]) => text.includes(secret)).map(([name]) => `${where}: ${name}`),
  )
}

/** How operators of a closed cluster say who they are. */
export async function operatorsCredential(folder: string): Promise<string> {
  return `Api-Key ${(await readFile(join(folder, 'keys/api-key'), 'utf8')).trim()}`
}
