import { GridError } from '@spacegrid/grid/core/errors'
import type { Environment } from '@spacegrid/grid/program/environment'
import type { Driver } from './driver.ts'

/**
 * The Docker Engine is found as its own tools find it: `DOCKER_HOST`, else the Unix socket.
 * @throws GridError `configuration_invalid` without the package `dockerode`
 */
export async function openDocker(environment: Environment): Promise<Driver> {
  const { default: Docker } = await optional('dockerode', () => import('dockerode'))
  const { DockerDriver } = await import('./docker-driver.ts')
  const { SCALED_PROJECT: project, SCALED_SERVICE: service } = environment
  return new DockerDriver(new Docker(), { project, service })
}

/**
 * Kubernetes is found as its own tools find it: `KUBECONFIG`, else the account of the pod.
 * @throws GridError `configuration_invalid` without the package `@kubernetes/client-node`, or with
 * a configuration that cannot be read
 */
export async function openKubernetes(environment: Environment): Promise<Driver> {
  const { KubeConfig, AppsV1Api } = await optional(
    '@kubernetes/client-node',
    () => import('@kubernetes/client-node'),
  )
  const { KubernetesDriver } = await import('./kubernetes-driver.ts')
  const { SCALED_NAMESPACE: namespace, SCALED_DEPLOYMENT: deployment } = environment
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new GridError(
      'configuration_invalid',
      `SCALING_DRIVER=kubernetes: the cluster cannot be found (KUBECONFIG, or the account of a pod): ${reason}`,
      { cause: error },
    )
  }
  return new KubernetesDriver(config.makeApiClient(AppsV1Api), { namespace, deployment })
}

async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (Object(error).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new GridError(
      'configuration_invalid',
      `The package ${name} is not installed, which this SCALING_DRIVER needs: npm install ${name}`,
      { cause: error },
    )
  }
}
