/** What the process that watches asks of one that serves. */
export type Asked =
  | {
      /** Import the application, and say what it is made of. */
      readonly ask: 'load'
      readonly files: readonly string[]
    }
  | {
      /** Open its data and its ports: nobody else has them. */
      readonly ask: 'serve'
      readonly json: boolean
      /** The first one says where it serves. */
      readonly isFirst: boolean
    }

/** What it answers. */
export type Told =
  | {
      readonly told: 'loaded'
      /** Absolute: every file of the application that was read. */
      readonly files: readonly string[]
      /** Why it cannot be used. */
      readonly fault?: string
    }
  | { readonly told: 'serving' }
