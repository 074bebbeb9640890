/** Objects with more members are dictionaries rather than records. */
const membersMax = 64
/** A list of names that so many objects have had is worth code of its own. */
const compileAfter = 16
/** Lists of names that begin with the same one; further ones are taken member by member. */
const alikeMax = 4
/** First names known at most; then all are learned anew. */
const knownMax = 1000

/**
 * Gives the frozen copy of an object with just these members; undefined when one of them is
 * missing.
 */
type Take = (data: object, depth: number) => object | undefined

/**
 * What the code calls for a member: a text is looked at in place, whatever is no number or truth
 * value is taken like any data.
 */
export interface TakeMember {
  readonly isText: (text: string) => boolean
  readonly inside: (name: string, member: unknown, depth: number) => unknown
}

interface Shape {
  readonly names: readonly string[]
  used: number
  take: Take | undefined
}

/**
 * Takes objects by their names: most of what is put and answered has one of a few lists of them.
 * Code that reads each member in a place of its own, and makes the copy by a literal, takes a third
 * of the time of a loop, and the names have been looked at when the list was learned.
 */
export class CompiledTakes {
  readonly #byFirst = new Map<string, Shape[]>()
  readonly #member: TakeMember

  constructor(member: TakeMember) {
    this.#member = member
  }

  /** The shape of the object, if it is known. */
  find(data: object): Shape | undefined {
    let alike: readonly Shape[] | undefined
    for (const name in data) {
      alike = this.#byFirst.get(name)
      break
    }
    if (alike !== undefined)
      for (const shape of alike) if (hasNames(data, shape.names)) return shape
    return undefined
  }

  /** The object has been taken, and all its names are good. */
  learn(copy: object, shape: Shape | undefined): void {
    if (shape) {
      if (++shape.used === compileAfter) shape.take = compile(shape.names, this.#member)
      return
    }
    const names = Object.keys(copy)
    const [first] = names
    if (first === undefined || names.length > membersMax) return
    const alike = this.#byFirst.get(first)
    if (alike === undefined) {
      if (this.#byFirst.size >= knownMax) this.#byFirst.clear()
      this.#byFirst.set(first, [{ names, used: 1, take: undefined }])
    } else if (alike.length < alikeMax) alike.push({ names, used: 1, take: undefined })
  }
}

function hasNames(data: object, names: readonly string[]): boolean {
  let count = 0
  for (const name in data) if (names[count++] !== name) return false
  return count === names.length
}

function compile(names: readonly string[], { isText, inside }: TakeMember): Take {
  const reads = names.map((name, i) => {
    const member = `m${i}`
    const quoted = JSON.stringify(name)
    return `let ${member} = data[${quoted}]
if (typeof ${member} === 'string' ? !isText(${member}) : typeof ${member} !== 'boolean') {
  if (typeof ${member} === 'number' && ${member} - ${member} === 0) ${member} += 0
  else if (${member} === undefined) return undefined
  else ${member} = inside(${quoted}, ${member}, depth)
}`
  })
  // A computed name: written out, `__proto__` would not name a member.
  const fields = names.map((name, i) => {
    const quoted = JSON.stringify(name)
    return `${name === '__proto__' ? `[${quoted}]` : quoted}: m${i}`
  })
  const source = `return (data, depth) => {
${reads.join('\n')}
return freeze({ ${fields.join(', ')} })
}`
  return new Function('isText', 'inside', 'freeze', source)(isText, inside, Object.freeze) as Take
}
