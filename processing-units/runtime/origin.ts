import { AsyncLocalStorage } from 'node:async_hooks'

const origin = new AsyncLocalStorage<'grid'>()
/** Of nobody: this file is loaded before anything is marked. */
const outside = AsyncLocalStorage.snapshot()

/**
 * Runs a part of the grid. What it begins (promises, timers, sockets) is marked as the grid's, and
 * so is whatever those begin.
 */
export const asGrid = <Result>(run: () => Result): Result => origin.run('grid', run)

/**
 * Calls a function of the application from the grid. What it leaves behind is not the grid's. It
 * takes as long as to look up some entries, so what is called for every entry is not called so.
 */
export const asApplication = <Args extends readonly unknown[], Result>(
  call: (...args: Args) => Result,
  ...args: Args
): Result => outside(call as (...args: readonly unknown[]) => Result, ...args)

/** Whether what runs now was begun by the grid; an error is told where what failed was begun. */
export const isOfGrid = (): boolean => origin.getStore() === 'grid'
