#!/usr/bin/env node
const nodeMajorMin = 24

// Said before anything is loaded that an older Node.js would stumble over.
if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  process.stderr.write(
    `spacegrid needs Node.js ${nodeMajorMin} or newer; this is ${process.versions.node}\n`,
  )
  process.exit(2)
}
const { spacegrid } = await import('./command-line/spacegrid.ts')
await spacegrid(process.argv.slice(2))
