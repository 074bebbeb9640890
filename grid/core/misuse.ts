/**
 * What an application asks for cannot be done: an argument that is none, a value that does not fit.
 * Its caller is not at fault.
 */
export class Misuse extends TypeError {
  readonly cache: string
  readonly field: string | undefined

  constructor(cache: string, field: string | undefined, problem: string) {
    super(`cache ${cache}: ${field === undefined ? '' : `${field} `}${problem}`)
    this.name = 'Misuse'
    this.cache = cache
    this.field = field
  }
}

/** A handler works with a cache that its space does not have. */
export const outsideSpace = (cache: string): Misuse =>
  new Misuse(cache, undefined, 'is not in the space: add it to the caches of defineSpace')
