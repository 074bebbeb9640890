import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { buildPackage } from './build-package.ts'
import { treeFolder } from './package/published-manifest.ts'
import { entries } from './tidy/house.ts'

/**
 * What the package promises, on one page: the declarations of every entry with all that they lead
 * to, as API Extractor finds them in the built package. `docs/api-report.md` is this page; a test
 * says when it is not current, and a review sees it change.
 */
export async function apiReport(place: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-api-'))
  try {
    const parts: string[] = []
    const said = new Set<string>()
    for (const [entry, source] of entries)
      parts.push(`## ${entry}\n\n${onlyNew(await reportOf(place, source, folder), said)}`)
    return `${head}\n${parts.join('\n')}`
  } finally {
    await rm(folder, { recursive: true })
  }
}

const head = `# The published API

Made by \`npm run api\` from the built package; not to be edited. What an entry does not export and only leads to
stands with the first one that does.
`

/** Leaves out what an entry only leads to and an earlier one has said. */
function onlyNew(report: string, said: Set<string>): string {
  const declarations = report.split('\n\n').filter((declaration) => {
    const text = declaration.replace(/^export /m, '')
    const isNew = !said.has(text)
    said.add(text)
    return isNew || text !== declaration || !declaration.startsWith('// @')
  })
  return declarations.join('\n\n')
}

async function reportOf(place: string, source: string, folder: string): Promise<string> {
  const declarations = join(place, treeFolder, source.replace(/\.ts$/, '.d.ts'))
  const silent = { default: { logLevel: ExtractorLogLevel.None } }
  const configuration = ExtractorConfig.prepare({
    configObject: {
      projectFolder: place,
      mainEntryPointFilePath: declarations,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'esnext',
            lib: ['esnext'],
            module: 'nodenext',
            types: ['node'],
            typeRoots: [join(root, 'node_modules/@types')],
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
          },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: 'entry',
        reportFolder: folder,
        reportTempFolder: folder,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: join(place, 'api-extractor.json'),
    packageJsonFullPath: join(place, 'package.json'),
  })
  const faults: string[] = []
  Extractor.invoke(configuration, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) faults.push(message.text)
      message.handled = true
    },
  })
  if (faults.length > 0) throw new Error(`API Extractor: ${faults.join('\n')}`)
  const report = await readFile(join(folder, 'entry.api.md'), 'utf8')
  const code = report.slice(report.indexOf('```ts'))
  // Whether something is documented is seen where it is declared.
  return code.replaceAll(/^\s*\/\/ \(undocumented\)\n/gm, '').replaceAll(' (undocumented)', '')
}

const root = fileURLToPath(new URL('..', import.meta.url))

if (import.meta.main) {
  const place = join(root, 'spacegrid/dist')
  await buildPackage(place)
  await writeFile(join(root, 'docs/api-report.md'), await apiReport(place))
}
