import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'

/*
 * A process for a test: does some work for each line that it gets, and says when it is done. With
 * the argument `leaking` it keeps two megabytes and an open file of each.
 */
const isLeaking = process.argv.includes('leaking')
const bytes = 2 ** 21
const kept: unknown[] = []
for await (const line of createInterface({ input: process.stdin })) {
  const made = Buffer.alloc(bytes, line)
  if (isLeaking) kept.push(made, openSync('/dev/null', 'r'))
  process.stdout.write(`${line}\n`)
}
