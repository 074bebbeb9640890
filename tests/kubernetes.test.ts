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
const folders = ['base', 'try-out', 'try-out-all'] as const
/** Those that take part when they are asked for. */
const components = ['role', 'waiting-room', 'console', 'deployment-manager'] as const
const roles = [
  ...['processing-unit', 'query-unit', 'data-pump', 'data-writer', 'data-reader'],
  ...['waiting-room', 'console', 'deployment-manager'],
]
/** The oldest that is looked at, and the newest. */
const versions = ['1.30', '1.37']

const scaler = 'HorizontalPodAutoscaler'

/** Variables that Node.js reads, not the grid. */
const othersVariables = new Set(['NODE_OPTIONS'])

const packages = await pythonPackages(kubernetesValidate, cacheFolder(), process.env)

// Skipped: without Go what renders the manifests cannot be built; said loudly above.
describe.skipIf(!isGoInstalled(process.env, 'the check of kubernetes/'))('kubernetes/', () => {
  /** Everything there is. */
  let tryOut: readonly Manifest[]
  let workloads: readonly Workload[]
  let rendered: ReadonlyMap<string, readonly Manifest[]>

  beforeAll(async () => {
    const kustomize = await kustomizeBinary(cacheFolder())
    const render = async (folder: string): Promise<readonly Manifest[]> => {
      const { stdout } = await run(kustomize, [join(root, 'kubernetes', folder)])
      return JSON.parse(stdout)
    }
    const each = await Promise.all(
      folders.map(async (folder) => [folder, await render(folder)] as const),
    )
    rendered = new Map(each)
    tryOut = rendered.get('try-out-all') ?? []
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

  it.each([...folders, ...components])('%s names every file that lies there', async (folder) => {
    const kustomization = await read(`kubernetes/${folder}/kustomization.yaml`)
    for (const file of await readdir(join(root, 'kubernetes', folder)))
      if (file !== 'kustomization.yaml') expect(kustomization).toContain(file)
  })

  it('runs every role, the gateway and the servers that they need', () => {
    expect(workloads.map(({ name }) => name).sort()).toEqual(
      [...roles, 'gateway', 'mongodb', 'nats', 'redis'].sort(),
    )
    const plain = workloadsOf(rendered.get('try-out') ?? []).map(({ name }) => name)
    const asked = ['waiting-room', 'console', 'deployment-manager']
    expect([...plain, ...asked].sort()).toEqual(workloads.map(({ name }) => name).sort())
  })

  // elasticity.md, "Kubernetes": two that decide would undo what the other one does.
  it('has an autoscaler or a deployment manager, which may change one scale and nothing else', () => {
    const of = (folder: string, kind: string) =>
      (rendered.get(folder) ?? []).filter((manifest) => manifest.kind === kind)
    expect(of('base', 'HorizontalPodAutoscaler')).toHaveLength(1)
    expect(of('try-out-all', 'HorizontalPodAutoscaler')).toHaveLength(0)
    const { pod, container } = workload('deployment-manager')
    const variables = environmentIn(container, tryOut)
    expect(workload(variables.SCALED_DEPLOYMENT ?? '').kind).toBe('Deployment')
    const [role] = ofKind('Role') as unknown as {
      rules: { resources: string[]; resourceNames: string[]; verbs: string[] }[]
    }[]
    expect(role?.rules).toEqual([
      expect.objectContaining({ resources: ['deployments'], verbs: ['get'] }),
      expect.objectContaining({ resources: ['deployments/scale'], verbs: ['get', 'update'] }),
    ])
    for (const { resourceNames } of role?.rules ?? [])
      expect(resourceNames).toEqual([variables.SCALED_DEPLOYMENT])
    expect((pod as unknown as { serviceAccountName: string }).serviceAccountName).toBe(
      named('ServiceAccount', 'deployment-manager').metadata.name,
    )
  })

  it('gives the key of the lines to those who sign and those who look, and to nobody else', () => {
    const known = workloads.filter(({ container }) =>
      environmentIn(container, tryOut).WAITING_ROOM_KEY_FILE?.startsWith('/run/secrets/'),
    )
    expect(known.map(({ name }) => name).sort()).toEqual(
      ['processing-unit', 'query-unit', 'waiting-room'].sort(),
    )
    const { WAITING_ROOM, SPACES } = environmentIn(workload('data-pump').container, tryOut)
    expect([WAITING_ROOM, SPACES]).toEqual(['ticketing/concert', 'ticketing:1,waitingRoom'])
  })

  it('starts programs that exist, in the images that docker-compose.yml names', async () => {
    for (const role of roles) {
      const [program, file = ''] = workload(role).container.command ?? []
      expect([program, existsSync(join(root, file))], role).toEqual(['node', true])
    }
    const project = composeProject(await composeBinary(cacheFolder()), ['docker-compose.yml'], {
      COMPOSE_PROFILES: 'console,deployment-manager',
    })
    for (const { name, container } of workloads) {
      const image = project.services[name]?.image
      expect(container.image.replace(/^(spacegrid.*):.*/, '$1'), name).toBe(image)
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
      ['GATEWAY_WAITING_ROOMS', 'waiting-room'],
    ] as const) {
      const [port] = named('Service', service).spec?.ports ?? []
      expect(variables[variable]).toBe(`${service}.$(NAMESPACE).svc.cluster.local:${port?.port}`)
    }
    // What a value names has to be there before.
    const { env = [] } = workload('gateway').container
    expect(env[0]?.name).toBe('NAMESPACE')
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
      if (/unit$|room$/.test(role)) expect(ports.http, role).toBe(PORT)
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
    const scaled = (rendered.get('base') ?? []).filter(({ kind }) => kind === scaler)
    expect(scaled).toHaveLength(1)
    for (const { spec } of scaled)
      expect(workload(spec?.scaleTargetRef?.name ?? '').kind).toBe(spec?.scaleTargetRef?.kind)
  })

  it('scales by a metric that units have, and that docs/containers.md tells an adapter of', async () => {
    const autoscaler = rendered.get('base')?.find(({ kind }) => kind === scaler)
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
    expect(reached('gateway')).toEqual(['8080 console', '8080 ingress-nginx', ...figures])
    for (const unit of ['processing-unit', 'query-unit', 'waiting-room'])
      expect(reached(unit)).toEqual(['8080 gateway', '8404 monitoring', '9090 gateway', figures[1]])
    for (const role of ['data-pump', 'data-writer', 'data-reader', 'console', 'deployment-manager'])
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
      expect(pod.automountServiceAccountToken, name).toBe(name === 'deployment-manager')
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
    const keysOf = (secret: string): string[] =>
      Object.keys(ofKind('Secret').find(({ metadata }) => metadata.name === secret)?.data ?? {})
    for (const role of roles) {
      const { container, pod } = workload(role)
      const mounted = (container.volumeMounts ?? []).flatMap(({ name: volume, mountPath }) => {
        const { secret } = pod.volumes?.find(({ name }) => name === volume) ?? {}
        if (!secret) return []
        const paths = secret.items?.map(({ path }) => path) ?? keysOf(secret.secretName)
        return paths.map((path) => `${mountPath}/${path}`)
      })
      const variables = Object.entries(environmentIn(container, tryOut))
      const files = variables.flatMap(([name, value]) => (name.endsWith('_FILE') ? [value] : []))
      expect(files.sort(), role).toEqual(mounted.sort())
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
