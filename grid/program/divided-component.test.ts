import { expect, test } from 'vitest'
import type { Readiness } from '../engine/life/readiness.ts'
import { CheckedComponent } from './checked-component.ts'
import type { Component } from './component.ts'
import { DividedComponent } from './divided-component.ts'

class Part implements Component {
  told: Readiness = { ready: true }
  partitions: number | undefined
  running = false

  start(): void {
    this.running = true
  }

  async stop(): Promise<void> {
    this.running = false
  }

  readiness(): Readiness {
    return this.told
  }

  status() {
    return { state: 'active' }
  }
}

const divided = (count: number) => {
  const parts = Array.from({ length: count }, () => new Part())
  const named = new Map<string, Component>(parts.map((part, at) => [`shop.${at}`, part]))
  return { parts, component: new DividedComponent(named) }
}

test('all partitions live and stop together', async () => {
  const { parts, component } = divided(3)
  component.start()
  expect(parts.map(({ running }) => running)).toEqual([true, true, true])
  expect(component.readiness()).toEqual({ ready: true })
  await component.stop()
  expect(parts.map(({ running }) => running)).toEqual([false, false, false])
})

test('a divided space is ready when all of it is, and says what is not, within bounds', () => {
  const { parts, component } = divided(5)
  const away = { ready: false, reason: 'the log is not connected' }
  for (const part of parts.slice(1)) part.told = away
  expect(component.readiness().reason).toBe(
    'shop.1: the log is not connected; shop.2: the log is not connected; shop.3: the log is not connected; 1 more',
  )
})

test('a component whose log has another number of partitions than it was told is not ready', () => {
  const part = new Part()
  const component = new CheckedComponent(part, 4)
  expect(component.readiness()).toEqual({ ready: true })
  part.partitions = 4
  expect(component.readiness()).toEqual({ ready: true })
  part.partitions = 16
  expect(component.readiness().reason).toBe(
    'the definition in the log says that the space has 16 partitions, SPACES says 4',
  )
})
