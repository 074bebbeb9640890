import { expect, test } from 'vitest'
import { publishedManifest } from './published-manifest.ts'

const about = { version: '1.2.3', description: 'A grid', license: 'Apache-2.0' }
const own = {
  ...about,
  name: 'spacegrid',
  bin: { spacegrid: './cli.ts', exec: './exec.ts' },
  exports: { '.': './index.ts', './testing': './testing/index.ts', './*': './*.ts' },
  dependencies: { '@spacegrid/grid': '1.2.3', pino: '^10.0.0' },
}
const inside = (dependencies: Record<string, string>) => ({ ...about, name: 'x', dependencies })

test('names the entries, compiled, and closes everything else', () => {
  const manifest = publishedManifest(own, [own], { node: '>=24' }, ['spacegrid/cli.ts'])
  expect(manifest).toMatchObject({
    name: 'spacegrid',
    bin: { spacegrid: './lib/spacegrid/cli.js' },
    sideEffects: ['./lib/spacegrid/cli.js'],
    exports: {
      '.': { types: './lib/spacegrid/index.d.ts', default: './lib/spacegrid/index.js' },
      './testing': {
        types: './lib/spacegrid/testing/index.d.ts',
        default: './lib/spacegrid/testing/index.js',
      },
      './package.json': './package.json',
    },
  })
  expect(Object.keys(manifest.exports as object)).toHaveLength(3)
  expect(manifest).not.toHaveProperty('private')
})

test('depends on what the workspaces inside depend on, and on none of them', () => {
  const manifests = [own, inside({ typebox: '^1.4.3', spacegrid: '1.2.3' })]
  const { dependencies } = publishedManifest(own, manifests, {}, [])
  expect(dependencies).toEqual({ pino: '^10.0.0', typebox: '^1.4.3' })
})

test('what workspaces need only for some is optional', () => {
  const some = { ...inside({}), peerDependencies: { dockerode: '^5.0.1' } }
  expect(publishedManifest(own, [own, some], {}, [])).toMatchObject({
    dependencies: { pino: '^10.0.0' },
    peerDependencies: { dockerode: '^5.0.1' },
    peerDependenciesMeta: { dockerode: { optional: true } },
  })
})

test('two versions of one package are refused', () => {
  expect(() => publishedManifest(own, [own, inside({ pino: '^9.0.0' })], {}, [])).toThrow(
    'x wants pino ^9.0.0, another workspace ^10.0.0',
  )
})
