import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a compose file says, as far as it is looked at here. */
export interface ComposeProject {
  readonly configs: Readonly<Record<string, { readonly file?: string; readonly content?: string }>>
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly services: Readonly<Record<string, ComposeService>>
}

export interface ComposeService {
  readonly image: string
  readonly build?: unknown
  readonly command: readonly string[] | null
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly restart?: string
  readonly mem_limit?: string
  readonly cpus?: number
  readonly pids_limit?: number
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly secrets?: readonly { readonly source: string; readonly target?: string }[]
  readonly volumes?: readonly { readonly source?: string; readonly target: string }[]
  readonly scale?: number
  readonly networks: Readonly<Record<string, unknown>>
}

/**
 * Reads compose files, one over the other, as docker compose does.
 * @param binary see `composeBinary`
 * @param settings the environment: that of whoever runs the tests says nothing
 */
export function readCompose(
  binary: string,
  files: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, ...settings }
  return spawnSync(binary, files, { cwd: root, encoding: 'utf8', env })
}

/** @throws Error with what compose says */
export function composeProject(...asked: Parameters<typeof readCompose>): ComposeProject {
  const { status, stdout, stderr } = readCompose(...asked)
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as ComposeProject
}
