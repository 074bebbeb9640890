import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { treeFolder } from './published-manifest.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A declaration as API Extractor's model has it, in JSON. */
export interface Declared {
  readonly kind: string
  readonly name?: string
  readonly canonicalReference: string
  /** The comment above it, as it stands in the source; empty where there is none. */
  readonly docComment?: string
  readonly excerptTokens?: readonly { readonly text: string }[]
  readonly isStatic?: boolean
  readonly members?: readonly Declared[]
}

/** What an entry of the built package declares. */
export interface ExtractedEntry {
  /** All of it, with what it leads to, as a block of TypeScript. */
  readonly report: string
  /** The same, with the comments. */
  readonly declared: readonly Declared[]
}

/**
 * Reads an entry of a built package with API Extractor.
 *
 * @param source the entry's source, from the root of the repository
 * @param folder where the extractor may leave its files
 */
export async function extractEntry(
  place: string,
  source: string,
  folder: string,
): Promise<ExtractedEntry> {
  const declarations = join(place, treeFolder, source.replace(/\.ts$/, '.d.ts'))
  const model = join(folder, 'entry.api.json')
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
      docModel: { enabled: true, apiJsonFilePath: model, includeForgottenExports: true },
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
  const { members } = JSON.parse(await readFile(model, 'utf8')) as Declared
  return {
    report: await readFile(join(folder, 'entry.api.md'), 'utf8'),
    declared: members?.[0]?.members ?? [],
  }
}
