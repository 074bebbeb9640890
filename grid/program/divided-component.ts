import type { LogName } from '../core/log-name.ts'
import type { Readiness } from '../engine/life/readiness.ts'
import type { Component, ComponentStatus } from './component.ts'

/** Partitions that are named when they are not ready. */
const namedMax = 3

/** The components of one role for all partitions of a space. */
export class DividedComponent implements Component {
  readonly parts: ReadonlyMap<LogName, Component>

  constructor(parts: ReadonlyMap<LogName, Component>) {
    this.parts = parts
  }

  start(): void {
    for (const part of this.parts.values()) part.start()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.parts.values()].map((part) => part.stop()))
  }

  readiness(): Readiness {
    const reasons = [...this.parts].flatMap(([logName, part]) => {
      const { ready, reason = 'not ready' } = part.readiness()
      return ready ? [] : [`${logName}: ${reason}`]
    })
    if (reasons.length === 0) return { ready: true }
    const more = reasons.length > namedMax ? [`${reasons.length - namedMax} more`] : []
    return { ready: false, reason: [...reasons.slice(0, namedMax), ...more].join('; ') }
  }

  status(): ComponentStatus {
    const states = new Set([...this.parts.values()].map((part) => part.status().state))
    return { state: [...states].sort().join(', ') }
  }
}
