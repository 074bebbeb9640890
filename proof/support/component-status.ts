/** What a component says about its work on a space at its administration port. */
export interface ComponentStatus {
  readonly state: 'starting' | 'rehydrating' | 'active' | 'standby'
  readonly position: number
  /** Data pumps: up to where everything is in the change queue. */
  readonly published?: number
  readonly lag: number
  readonly entries: number
  /** Units: of the state at `digestPosition`. */
  readonly digest: string
  readonly digestPosition: number
}

/** @throws when nobody answers within a second, as while the process is paused */
export async function componentStatus(
  adminPort: number,
  space = 'ticketing',
): Promise<ComponentStatus> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/status`, {
    signal: AbortSignal.timeout(1000),
  })
  const { spaces } = (await response.json()) as { spaces: Record<string, ComponentStatus> }
  const status = spaces[space]
  if (!status) throw new Error(`nobody works on ${space} at ${adminPort}`)
  return status
}
