import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { knownVariables, readEnvironment } from '@spacegrid/grid/program/environment'
import { composeBinary } from '@spacegrid/proof/gateway/compose-binary'
import { composeProject } from '@spacegrid/proof/gateway/compose-project'
import { kubernetesValidate } from '@spacegrid/proof/kubernetes/kubernetes-validate'
import { kustomizeBinary } from '@spacegrid/proof/kubernetes/kustomize-binary'
import {
  environmentIn,
  type Manifest,
  selects,
  type Workload,
  workloadsOf,
} from '@spacegrid/proof/kubernetes/manifest'
import { pythonPackages } from '@spacegrid/proof/python/python-packages'
import { isGoInstalled } from '@spacegrid/proof/support/go-program'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { cacheFolder } from 'spacegrid/servers/binary'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')
const folders = ['base', 'try-out'] as const
const roles = ['processing-unit', 'query-unit', 'data-pump', 'data-writer', 'data-reader']
/** The oldest that is looked at, and the newest. */
const versions = ['1.30', '1.37']

/** Variables that Node.js reads, not the grid. */
const othersVariables = new Set(['NODE_OPTIONS'])

const packages = await pythonPackages(kubernetesValidate, cacheFolder(), process.env)

// Skipped: without Go what renders the manifests cannot be built; said loudly above.
describe.skipIf(!isGoInstalled(process.env, 'the check of kubernetes/'))('kubernetes/', () => {
  let tryOut: readonly Manifest[]
  let workloads: readonly Workload[]
  let rendered: ReadonlyMap<string, readonly Manifest[]>

  beforeAll(async () => {
    const kustomize = await kustomizeBinary(cacheFolder())
    const render = async (folder: string): Promise<readonly Manifest[]> => {
      const { stdout } = await run(kustomize, [join(root, 'kubernetes', folder)])
      return JSON.parse(stdout)
    }
    rendered = new Map([
      ['base', await render('base')],
      ['try-out', await render('try-out')],
    ])
    tryOut = rendered.get('try-out') ?? []
    workloads = workloadsOf(tryOut)
  }, 600_000)

  async function validate(manifests: readonly object[]): Promise<{ code: number; text: string }> {
    const file = join(await temporaryFolder('kubernetes'), 'manifests.yaml')
    // JSON is YAML.
    await writeFile(file, manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'))
    const asked = versions.flatMap((version) => ['-k', version])
    const { status, stdout, stderr } = spawnSync(
      'python3',
      ['-m', 'kubernetes_validate', '--strict', ...asked, file],
      { encoding: 'utf8', env: { PATH: process.env.PATH, PYTHONPATH: packages } },
    )
    return { code: status ?? -1, text: stdout + stderr }
  }

  const named = (kind: string, name: string) => {
    const found = tryOut.find((manifest) => {
      return manifest.kind === kind && manifest.metadata.name === name
    })
    if (!found) throw new Error(`There is no ${kind} ${name}`)
    return found
  }
  const workload = (name: string) => workloads.find((one) => one.name === name)!
  const ofKind = (kind: string) => tryOut.filter((manifest) => manifest.kind === kind)
  const selected = (manifest: Manifest) => {
    const { selector, podSelector } = manifest.spec ?? {}
    const asked = manifest.kind === 'Service' ? { matchLabels: selector as never } : selector
    return workloads.filter(({ labels }) => selects(podSelector ?? asked ?? {}, labels))
  }

  // Skipped: without Python and the validator there is nothing to run; said loudly above.
  it.skipIf(packages === undefined).each(folders)('%s is what Kubernetes takes', async (folder) => {
    const { code, text } = await validate(rendered.get(folder) ?? [])
    expect(code, text).toBe(0)
  })

  // Skipped: as above.
  it.skipIf(packages === undefined)(
    'would not be with an unknown field or a wrong type',
    async () => {
      const unit = named('Deployment', 'processing-unit')
      const wrong = { ...unit, spec: { ...unit.spec, replica: 2 } }
      expect(await validate([wrong])).toMatchObject({
        code: 1,
        text: expect.stringMatching('replica'),
      })
      const much = { ...unit, spec: { ...unit.spec, replicas: 'many' } }
      expect(await validate([much])).toMatchObject({ code: 1, text: expect.stringMatching('many') })
    },
  )

  it.each(folders)('%s names every file that lies there', async (folder) => {
    const kustomization = await read(`kubernetes/${folder}/kustomization.yaml`)
    for (const file of await readdir(join(root, 'kubernetes', folder)))
      if (file !== 'kustomization.yaml') expect(kustomization).toContain(file)
  })

  it('runs every role, the gateway and the servers that they need', () => {
    expect(workloads.map(({ name }) => name).sort()).toEqual(
      [...roles, 'gateway', 'mongodb', 'nats', 'redis'].sort(),
    )
  })

  it('starts programs that exist, in the images that docker-compose.yml names', async () => {
    for (const role of roles) {
      const [program, file = ''] = workload(role).container.command ?? []
      expect([program, existsSync(join(root, file))], role).toEqual(['node', true])
    }
    const project = composeProject(await composeBinary(cacheFolder()), ['docker-compose.yml'])
    for (const { name, container } of workloads) {
      const image = project.services[name]?.image
      expect(container.image.replace(/^spacegrid:.*/, 'spacegrid'), name).toBe(image)
    }
  })

  it('sets variables that the grid knows, to values that it takes', async () => {
    const applications = await read('processing-units/ticketing/settings.ts')
    const known = new Set([...knownVariables, ...othersVariables])
    for (const role of roles) {
      const variables = environmentIn(workload(role).container, tryOut)
      for (const name of Object.keys(variables))
        if (!known.has(name)) expect(applications).toMatch(new RegExp(`\\b${name}\\b`))
      const told = Object.entries(variables).filter(([name]) => !name.endsWith('_FILE'))
      expect(() => readEnvironment([], Object.fromEntries(told))).not.toThrow()
    }
  })

  it('sets variables that the gateway’s configuration reads', async () => {
    const configuration = await read('gateway/haproxy.cfg')
    const variables = environmentIn(workload('gateway').container, tryOut)
    for (const name of Object.keys(variables))
      if (name !== 'NAMESPACE') expect(configuration).toMatch(new RegExp(`\\$\\{${name}[-[]`))
    for (const [variable, service] of [
      ['GATEWAY_UNITS', 'processing-unit'],
      ['GATEWAY_QUERY_UNITS', 'query-unit'],
    ] as const) {
      const [port] = named('Service', service).spec?.ports ?? []
      expect(variables[variable]).toBe(`${service}.$(NAMESPACE).svc.cluster.local:${port?.port}`)
    }
    const { ADMIN_PORT } = environmentIn(workload('processing-unit').container, tryOut)
    expect(variables.GATEWAY_UNIT_ADMIN_PORT).toBe(ADMIN_PORT)
  })

  it('listens where ports say so, and names ports that containers have', () => {
    for (const role of roles) {
      const { container } = workload(role)
      const { PORT, ADMIN_PORT } = environmentIn(container, tryOut)
      const ports = Object.fromEntries(
        (container.ports ?? []).map(({ name, containerPort }) => [name, String(containerPort)]),
      )
      expect(ports.admin, role).toBe(ADMIN_PORT)
      if (role.endsWith('unit')) expect(ports.http, role).toBe(PORT)
    }
    for (const service of ofKind('Service')) {
      const [one] = selected(service)
      const names = one?.container.ports?.map(({ name }) => name)
      for (const { targetPort } of service.spec?.ports ?? []) expect(names).toContain(targetPort)
    }
    for (const { name, container } of workloads)
      for (const probe of [
        container.livenessProbe,
        container.readinessProbe,
        container.startupProbe,
      ])
        if (probe?.httpGet)
          expect(
            container.ports?.map((port) => port.name),
            name,
          ).toContain(probe.httpGet.port)
  })

  it('selects pods that there are', () => {
    for (const kind of ['Service', 'PodDisruptionBudget'])
      for (const manifest of ofKind(kind))
        expect(selected(manifest).map(({ name }) => name)).toEqual([manifest.metadata.name])
    for (const policy of ofKind('NetworkPolicy')) expect(selected(policy)).not.toEqual([])
    for (const { spec } of ofKind('HorizontalPodAutoscaler'))
      expect(workload(spec?.scaleTargetRef?.name ?? '').kind).toBe(spec?.scaleTargetRef?.kind)
  })

  it('scales by a metric that units have, and that docs/containers.md tells an adapter of', async () => {
    const [autoscaler] = ofKind('HorizontalPodAutoscaler')
    const { metric } = autoscaler?.spec?.metrics?.find(({ type }) => type === 'Pods')?.pods ?? {}
    const name = metric?.name ?? ''
    expect(await read('processing-units/runtime/overload/queueing-delay-metric.ts')).toContain(
      `name: '${name}'`,
    )
    expect(await read('docs/containers.md')).toContain(`name: { as: ${name} }`)
  })

  it('lets nobody in but where it says so: requests by the gateway, figures by monitoring', () => {
    const reached = (name: string): string[] =>
      ofKind('NetworkPolicy')
        .filter((policy) => selected(policy).some((one) => one.name === name))
        .flatMap(({ spec }) => spec?.ingress ?? [])
        .flatMap(({ from = [{}], ports = [] }) =>
          from.flatMap(({ podSelector, namespaceSelector }) =>
            ports.map(({ port }) => {
              const space = Object.values(namespaceSelector?.matchLabels ?? {})
              const pods = workloads.filter(({ labels }) => selects(podSelector ?? {}, labels))
              return `${port} ${podSelector ? pods.map((pod) => pod.name).sort() : space}`
            }),
          ),
        )
        .sort()
    const figures = ['8404 monitoring', '9090 monitoring']
    expect(reached('gateway')).toEqual(['8080 ingress-nginx', ...figures])
    for (const unit of ['processing-unit', 'query-unit'])
      expect(reached(unit)).toEqual(['8080 gateway', '8404 monitoring', '9090 gateway', figures[1]])
    for (const role of ['data-pump', 'data-writer', 'data-reader'])
      expect(reached(role)).toEqual(figures)
    // Whoever is named nowhere.
    expect(named('NetworkPolicy', 'nobody').spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress'],
    })
    expect(reached('nats')).toContain('6222 nats')
    expect(reached('redis')).toContain('6379 data-pump,data-reader,data-writer')
  })

  it('runs nothing as root, with a disk to write to or a right that it does not need', () => {
    for (const { name, pod, container } of workloads) {
      expect(pod.automountServiceAccountToken, name).toBe(false)
      expect(pod.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        runAsUser: expect.any(Number),
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(container.securityContext, name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(container.resources?.limits?.memory, name).toBeDefined()
    }
  })

  it('asks whether it lives and whether it is ready, and lets it end by itself', () => {
    for (const role of roles) {
      const { container, pod } = workload(role)
      expect(container.livenessProbe?.httpGet?.path, role).toBe('/health/live')
      expect(container.readinessProbe?.httpGet?.path, role).toBe('/health/ready')
      expect(pod.terminationGracePeriodSeconds, role).toBeGreaterThan(30)
    }
    const gateway = workload('gateway')
    const { GATEWAY_STOP_TIMEOUT = '' } = environmentIn(gateway.container, tryOut)
    const preStopSeconds = 5
    expect(Number.parseInt(GATEWAY_STOP_TIMEOUT, 10) + preStopSeconds).toBeLessThan(
      gateway.pod.terminationGracePeriodSeconds ?? 0,
    )
  })

  it('finds its secrets in files, each role those that it needs', () => {
    const keys = Object.keys(
      ofKind('Secret').find(({ metadata }) => metadata.name.startsWith('servers'))?.data ?? {},
    )
    for (const role of roles) {
      const { container, pod } = workload(role)
      const mount = container.volumeMounts?.find(({ name }) => name === 'servers')
      const { secret } = pod.volumes?.find(({ name }) => name === 'servers') ?? {}
      const paths = secret?.items?.map(({ path }) => path) ?? keys
      const variables = Object.entries(environmentIn(container, tryOut))
      const files = variables.flatMap(([name, value]) => (name.endsWith('_FILE') ? [value] : []))
      expect(files.sort(), role).toEqual(paths.map((path) => `${mount?.mountPath}/${path}`).sort())
    }
  })

  it('configures the NATS servers as docker-compose.r3.yml does', async () => {
    const { configs } = composeProject(await composeBinary(cacheFolder()), [
      ...['docker-compose.yml', 'docker-compose.r3.yml'],
    ])
    const settings = (text: string) =>
      text
        .replaceAll(/#.*|\s+/g, ' ')
        .replaceAll(/ +/g, ' ')
        .trim()
    const expected = settings(configs.nats?.content ?? '')
      .replace('$SERVER_NAME', '$POD_NAME')
      .replace(
        /routes: \[.*?\]/,
        `routes: [${[0, 1, 2].map((n) => `nats://nats-${n}.nats:6222`).join(', ')}]`,
      )
    expect(settings(await read('kubernetes/try-out/nats.conf'))).toBe(expected)
  })
})
