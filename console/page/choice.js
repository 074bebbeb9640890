import { keep, make, setText, whileSeen } from './elements.js'

const findMs = 2000
const shownMax = 20

/**
 * What a visitor may look at, the newest first. The newest is shown until the visitor has chosen
 * another one.
 */
export class Choice {
  /** The field to choose in. */
  select
  /** Key of what is shown; undefined: nothing has been found yet. */
  shown
  #find
  #nameOf
  #show
  /** Name by key, the newest last. */
  #known = new Map()
  #isChosen = false

  /**
   * @param label of the field
   * @param find the entries that came last, the newest at the end. Asked again and again: browsers
   * have too few streams for that
   * @param nameOf names an entry by its value
   * @param show told whenever there is more to choose, or something else is shown
   */
  constructor(label, find, nameOf, show) {
    this.#find = find
    this.#nameOf = nameOf
    this.#show = show
    const change = () => {
      this.#isChosen = true
      this.#turnTo(this.select.value)
    }
    this.select = make('select', { aria: { label }, on: { change } })
    void whileSeen(findMs, () => this.#look())
  }

  get isEmpty() {
    return this.#known.size === 0
  }

  /** What is shown stays: the visitor has begun something with it. */
  stay() {
    this.#isChosen = true
  }

  /** There is one more. */
  know(key, name) {
    if (this.#known.has(key)) return
    this.#known.set(key, String(name ?? key))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= shownMax) break
      this.#known.delete(oldest)
    }
    keep(
      this.select,
      [...this.#known].reverse(),
      ([id]) => id,
      ([id]) => make('option', { value: id }),
      (option, [, text]) => void setText(option, text),
    )
    this.#turnTo(this.#isChosen ? this.shown : key)
  }

  #turnTo(key) {
    this.shown = key
    this.select.value = key
    this.#show()
  }

  async #look() {
    for (const { key, value } of await this.#find(shownMax))
      this.know(key, this.#nameOf(JSON.parse(value)))
  }
}
