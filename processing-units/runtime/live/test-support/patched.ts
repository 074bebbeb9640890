export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path: string
  readonly value?: unknown
}

/** What a JSON Patch (RFC 6902) makes of a document: the operations that streams have. */
export function patched(document: unknown, patch: readonly Operation[]): unknown {
  const copy: unknown = structuredClone(document)
  for (const { op, path, value } of patch) {
    const names = path.slice(1).split('/')
    const name = unescaped(names.pop() as string)
    let parent = copy as Record<string, unknown>
    for (const step of names) parent = parent[unescaped(step)] as Record<string, unknown>
    if (!Array.isArray(parent)) {
      if (op === 'remove') delete parent[name]
      else parent[name] = value
    } else if (op === 'replace') parent[Number(name)] = value
    else if (op === 'remove') parent.splice(Number(name), 1)
    else parent.splice(name === '-' ? parent.length : Number(name), 0, value)
  }
  return copy
}

const unescaped = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~')
