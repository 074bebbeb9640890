/**
 * A query's input as the query string of its URL: scalars plainly, a list of scalars by repeating
 * the parameter, anything deeper as JSON. What is undefined is left out.
 */
export function queryString(input: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(input))
    if (Array.isArray(value) && value.every(isScalar))
      for (const item of value) parameters.append(name, String(item))
    else if (value !== undefined)
      parameters.append(name, isScalar(value) ? String(value) : JSON.stringify(value))
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)
