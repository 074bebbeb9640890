import type { AppsV1Api } from '@kubernetes/client-node'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Deployed, Driver } from './driver.ts'

/** The calls of Kubernetes' client that a driver makes. */
export type DeploymentApi = Pick<
  AppsV1Api,
  'readNamespacedDeployment' | 'replaceNamespacedDeploymentScale'
>

export interface KubernetesDriverOptions {
  readonly namespace: string
  /** The deployment whose pods are the units. */
  readonly deployment: string
}

/**
 * Units that are pods of a deployment: how many there are to be is its scale, which the cluster
 * brings about. Each change names the version that was looked at, so that one who was frozen since
 * is refused when somebody has changed it meanwhile; when only the state of a pod has, it is
 * refused as well, and done a second later.
 */
export class KubernetesDriver implements Driver {
  readonly name = 'kubernetes'
  readonly isHere = false
  readonly #api: DeploymentApi
  readonly #options: KubernetesDriverOptions
  #version: string | undefined

  constructor(api: DeploymentApi, options: KubernetesDriverOptions) {
    this.#api = api
    this.#options = options
  }

  async look(): Promise<Deployed> {
    const { namespace, deployment: name } = this.#options
    const { metadata, spec, status } = await tell(() =>
      this.#api.readNamespacedDeployment({ namespace, name }),
    )
    this.#version = metadata?.resourceVersion
    const ready = status?.readyReplicas ?? 0
    // Of those that are stopping it still counts some.
    const starting = Math.max(0, (status?.replicas ?? 0) - ready)
    return { wanted: spec?.replicas ?? 1, ready, starting, spares: 0 }
  }

  async scale(replicas: number): Promise<void> {
    const { namespace, deployment: name } = this.#options
    const version = this.#version === undefined ? {} : { resourceVersion: this.#version }
    await tell(() =>
      this.#api.replaceNamespacedDeploymentScale({
        ...{ namespace, name },
        body: { metadata: { namespace, name, ...version }, spec: { replicas } },
      }),
    )
  }

  async close(): Promise<void> {}
}

/** What Kubernetes refuses, or that it does not answer, as a fault of the world. */
async function tell<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { code, body, message, cause } = Object(error)
    const said = saidIn(body) ?? Object(cause).code ?? message
    throw new GridError(code === 409 ? 'fenced' : 'no_responder', `Kubernetes: ${said}`, {
      cause: error,
    })
  }
}

/** A status object, as text or already read. */
function saidIn(body: unknown): string | undefined {
  try {
    const { message } = Object(typeof body === 'string' ? JSON.parse(body) : body)
    return typeof message === 'string' ? message : undefined
  } catch {
    // Something in between has answered.
    return undefined
  }
}
