import type { ProcessTold } from '@spacegrid/grid/doors/admin/process-told'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Source } from './heard.ts'

/** Who has not answered for so long is not among those that are known any more, ms. */
const forgetMs = 60_000
/** Anybody may publish anything: no more processes than these are believed in. */
const processesMax = 500

/**
 * Asks all processes of a grid how they are, over NATS (`spacegrid.status.ask`), and keeps what
 * they have told last. It waits for nobody: who is slow, or gone, is as it has told last.
 */
export class StatusCollector implements Source {
  readonly #messaging: Messaging
  readonly #name: string
  readonly #now: () => number
  readonly #told = new Map<string, { readonly told: ProcessTold; readonly at: number }>()
  #subscription: Subscription | undefined

  /**
   * @param name of this console, of letters and digits: under it processes answer
   * @param now monotonic, ms
   */
  constructor(messaging: Messaging, name: string, now: () => number) {
    this.#messaging = messaging
    this.#name = name
    this.#now = now
  }

  start(): void {
    this.#subscription ??= this.#messaging.subscribe(
      subjects.toldStatus(this.#name),
      ({ data }) => {
        const told = processIn(data)
        if (!told) return
        if (!this.#told.has(told.unit) && this.#told.size >= processesMax) return
        this.#told.set(told.unit, { told, at: this.#now() })
      },
    )
  }

  async stop(): Promise<void> {
    const subscription = this.#subscription
    this.#subscription = undefined
    this.#told.clear()
    await subscription?.stop()
  }

  processes(): readonly ProcessTold[] {
    const now = this.#now()
    for (const [unit, { at }] of this.#told) if (now - at > forgetMs) this.#told.delete(unit)
    this.#messaging.publish(subjects.askStatus, Buffer.from(this.#name))
    return [...this.#told.values()].map(({ told }) => told)
  }
}

/** undefined: these are no words of a process. */
export function processIn(data: Uint8Array): ProcessTold | undefined {
  try {
    const told = JSON.parse(Buffer.from(data).toString()) as Partial<ProcessTold>
    const { unit, role, ready, reasons, wishes, spaces } = told
    const isTold =
      typeof unit === 'string' &&
      unit.length <= 255 &&
      typeof role === 'string' &&
      typeof ready === 'boolean' &&
      areTexts(reasons) &&
      areTexts(wishes) &&
      typeof spaces === 'object' &&
      spaces !== null
    return isTold ? (told as ProcessTold) : undefined
  } catch {
    // No JSON: somebody else's words.
    return undefined
  }
}

const areTexts = (values: unknown): boolean =>
  Array.isArray(values) && values.every((value) => typeof value === 'string')
