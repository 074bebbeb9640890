declare const mistake: unique symbol

/**
 * No value has this type. Where the compiler asks for one, a definition cannot be kept, and the
 * text says what to do: `Type '() => Promise<void>' is not assignable to type 'Mistake<"the handler
 * must not be async: …">'`.
 */
export interface Mistake<Text extends string> {
  readonly [mistake]: Text
}

/** A mistake in some fields of what it is about. */
export interface MistakeIn<Fields extends string, Text extends string> extends Mistake<Text> {
  readonly fields: Fields
}
