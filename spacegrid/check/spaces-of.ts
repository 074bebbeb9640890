import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'

/**
 * The spaces that modules export, by whatever names.
 * @throws GridError `configuration_invalid` when a module cannot be loaded, or exports none
 */
export async function spacesOf(files: readonly string[]): Promise<Space[]> {
  const found = new Map<string, Space>()
  for (const file of files) {
    const exported = await load(file)
    const spaces = Object.values(exported).flat().filter(isSpace)
    if (spaces.length === 0)
      throw new GridError('configuration_invalid', `${file} exports no space`)
    for (const space of spaces) found.set(space.name, space)
  }
  return [...found.values()]
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GridError('configuration_invalid', `${file} cannot be used: ${why}`, { cause })
  }
}

function isSpace(value: unknown): value is Space {
  if (typeof value !== 'object' || value === null) return false
  const { name, caches, commands } = value as Partial<Space>
  return typeof name === 'string' && Array.isArray(caches) && commands instanceof Map
}
