/** Something worth a line in the program's log. */
export interface ComponentEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly error?: Error
}

export type Report = (event: ComponentEvent) => void
