import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'
import { commandsIn, outputPattern, TerminalSession } from './terminal-session.ts'

test('commands of a page, with what they say', () => {
  expect(commandsIn('$ one \\\n  more\nsays\n\n$ two\n')).toEqual([
    { command: 'one \\\n  more', output: ['says'] },
    { command: 'two', output: [] },
  ])
  expect(() => commandsIn('says\n$ one')).toThrow('output of no command')
})

describe('output as a page shows it', () => {
  const shown = [
    '{"result":{"left":8},"position":6}',
    '…',
    'NAME     PID',
    'nats     1234  …',
    'end',
  ]

  test('is recognised with other positions, ids and columns', () => {
    const said = '{"result":{"left":8},"position":12}\nmore\nNAME  PID\nnats  56789  now\nend'
    expect(said).toMatch(outputPattern(shown))
  })

  test.each([
    '{"result":{"left":9},"position":12}\nmore\nNAME  PID\nnats  56789  now\nend',
    '{"result":{"left":8},"position":12}\nmore\nNAME  PID\nredis  56789  now\nend',
    '{"result":{"left":8},"position":12}\nmore\nNAME  PID\nnats  56789  now\n',
  ])('is not recognised: %j', (said) => {
    expect(said).not.toMatch(outputPattern(shown))
  })
})

describe('a session', () => {
  test('keeps its folder, and fails with what a command has said', async () => {
    const terminal = new TerminalSession(await temporaryFolder('terminal'), { COLOR: 'red' })
    try {
      await terminal.run({ command: 'mkdir inner && cd inner', output: [] })
      await terminal.run({ command: 'echo $COLOR; basename $PWD', output: ['red', 'inner'] })
      await terminal.run({ command: 'sleep 600 &', output: [] })
      await terminal.run({ command: 'kill -9 $!', output: [] })
      await expect(terminal.run({ command: 'echo blue', output: ['red'] })).rejects.toThrow('blue')
      await expect(terminal.run({ command: 'false', output: [] })).rejects.toThrow('ended with 1')
    } finally {
      await terminal.close()
    }
  })
})
