const tags: Readonly<Record<string, string>> = {
  throws: '*Throws*',
  returns: '*Returns*',
  example: '*Example*',
  see: '*See*',
}

/** A documentation comment as Markdown: its tags become words, its links names. */
export function commentText(comment: string): string {
  const lines = comment
    .replace(/^\s*\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  const text = lines
    .join('\n')
    .replaceAll(
      /\{@link ([^}|]+?)(?:\s*\|\s*([^}]+))?\}/g,
      (_, name, shown) => shown ?? `\`${name}\``,
    )
    .replaceAll(/^@param (\S+)(?: -)? /gm, '\n- `$1`: ')
    .replaceAll(/^@(\w+)\s+/gm, (tag, name: string) => `\n${tags[name] ?? tag.trim()} `)
  return text.replaceAll(/\n{3,}/g, '\n\n').trim()
}

/** In one line, for a table. */
export function firstSentence(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  const end = line.search(/[.:;](?: |$)/)
  return end === -1 ? line : line.slice(0, end)
}
