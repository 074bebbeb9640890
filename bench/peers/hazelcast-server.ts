import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findFreePort } from 'spacegrid/servers/free-port'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'
import { hazelcastFiles } from './hazelcast-download.ts'

export interface HazelcastServer {
  /** `host:port`, as its client takes it. */
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

const readyMsMax = 60_000

/** One Hazelcast member with its default settings, alone, on this machine's own address only. */
export async function startHazelcast(
  folder: string,
  say: (line: string) => void,
): Promise<HazelcastServer> {
  const { jar } = await hazelcastFiles(say)
  await mkdir(folder, { recursive: true })
  const port = await findFreePort()
  const configuration = join(folder, 'hazelcast.xml')
  await writeFile(configuration, configurationOf(port))
  const logFile = join(folder, 'hazelcast.log')
  const log = openSync(logFile, 'a')
  const child = spawn(
    'java',
    [
      ...['--add-modules', 'java.se', '--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED'],
      ...['--add-opens', 'java.base/java.lang=ALL-UNNAMED'],
      ...['--add-opens', 'java.base/sun.nio.ch=ALL-UNNAMED'],
      ...['--add-opens', 'java.management/sun.management=ALL-UNNAMED'],
      ...['--add-opens', 'jdk.management/com.sun.management.internal=ALL-UNNAMED'],
      ...['-Xmx2g', `-Dhazelcast.config=${configuration}`, '-Dhazelcast.phone.home.enabled=false'],
      ...['-cp', jar, 'com.hazelcast.core.server.HazelcastMemberStarter'],
    ],
    { cwd: folder, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const started = Promise.race([once(child, 'spawn'), once(child, 'error')])
  const [fault] = (await started) as [Error?]
  if (fault) throw new Error('Hazelcast needs java on PATH: install a JDK of 17 or later')
  const pid = child.pid as number
  reapWithThisProcess(pid)
  child.once('exit', () => outlive(pid))
  try {
    await waitUntil(() => child.exitCode !== null || accepts(port, logFile), {
      timeoutMs: readyMsMax,
      what: `Hazelcast on port ${port}`,
    })
    if (child.exitCode !== null) throw new Error('Hazelcast ended at once')
  } catch (error) {
    child.kill('SIGKILL')
    const tail = (await readFile(logFile, 'utf8')).slice(-1000)
    throw new Error(`${(error as Error).message}; the end of its log:\n${tail}`, { cause: error })
  }
  return {
    url: `127.0.0.1:${port}`,
    pid,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      // It holds nothing that an orderly end would save.
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** It opens its port before it takes clients; its log says when it does. */
async function accepts(port: number, logFile: string): Promise<boolean> {
  if (!(await readFile(logFile, 'utf8')).includes('is STARTED')) return false
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

const configurationOf = (port: number): string => `<?xml version="1.0" encoding="UTF-8"?>
<hazelcast xmlns="http://www.hazelcast.com/schema/config">
  <cluster-name>dev</cluster-name>
  <network>
    <port auto-increment="false">${port}</port>
    <join>
      <auto-detection enabled="false"/>
      <multicast enabled="false"/>
    </join>
    <interfaces enabled="true"><interface>127.0.0.1</interface></interfaces>
  </network>
  <map name="items"><backup-count>0</backup-count></map>
  <map name="near"><backup-count>0</backup-count></map>
</hazelcast>
`
