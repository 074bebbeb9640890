/** What a manifest says, as far as it is looked at here. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: ManifestSpec
}

interface ManifestSpec {
  readonly replicas?: number
  readonly selector?: Selector & Readonly<Record<string, unknown>>
  readonly podSelector?: Selector
  readonly scaleTargetRef?: { readonly kind: string; readonly name: string }
  readonly metrics?: readonly {
    readonly type: string
    readonly pods?: { readonly metric: { readonly name: string } }
  }[]
  readonly template?: {
    readonly metadata: { readonly labels: Labels }
    readonly spec: PodSpec
  }
  readonly ports?: readonly { readonly port: number; readonly targetPort: string }[]
  readonly ingress?: readonly {
    readonly from?: readonly Peer[]
    readonly ports?: readonly { readonly port: number }[]
  }[]
}

export type Labels = Readonly<Record<string, string>>

export interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly { readonly key: string; readonly values: string[] }[]
}

export interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
}

export interface PodSpec {
  readonly automountServiceAccountToken?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly containers: readonly Container[]
  readonly volumes?: readonly Volume[]
}

export interface Volume {
  readonly name: string
  readonly secret?: {
    readonly secretName: string
    readonly items?: readonly { readonly path: string }[]
  }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> }
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly startupProbe?: Probe
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string }
}

/** Deployments and StatefulSets: what runs pods. */
export interface Workload {
  readonly name: string
  readonly kind: string
  readonly labels: Labels
  readonly pod: PodSpec
  readonly container: Container
}

export function workloadsOf(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.flatMap(({ kind, metadata: { name }, spec }) => {
    const { template } = spec ?? {}
    const [container] = template?.spec.containers ?? []
    if (!template || !container) return []
    return [{ name, kind, labels: template.metadata.labels, pod: template.spec, container }]
  })
}

/** Whether pods with these labels are meant. A Service names labels without more ado. */
export function selects(
  { matchLabels, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  )
}

/** What a container finds in its environment, with what it is not told by value. */
export function environmentIn(
  { env = [], envFrom = [] }: Container,
  manifests: readonly Manifest[],
): Readonly<Record<string, string | undefined>> {
  const shared = envFrom.flatMap(({ configMapRef: { name } }) => {
    const map = manifests.find(({ kind, metadata }) => {
      return kind === 'ConfigMap' && metadata.name === name
    })
    if (!map) throw new Error(`There is no ConfigMap ${name}`)
    return Object.entries(map.data ?? {})
  })
  const own = env.map(({ name, value }) => [name, value] as const)
  return Object.fromEntries([...shared, ...own])
}
