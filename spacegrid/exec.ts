#!/usr/bin/env node
import { spawn } from 'node:child_process'

/**
 * `exec` where the shell has none. The npm scripts say `exec node …`, so that on Unix no shell
 * stands between npm and the program, to swallow a SIGTERM that was meant for it. The command line
 * of Windows knows no such word and finds this program by that name.
 */
const [program = 'node', ...words] = process.argv.slice(2)
// The Node that npm has brought along runs this, and what it runs.
const child = spawn(program === 'node' ? process.execPath : program, words, { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('error', ({ message }) => {
  process.stderr.write(`${program} cannot be run: ${message}\n`)
  process.exit(1)
})
child.once('exit', (code) => process.exit(code ?? 1))
