import { AppsV1Api, KubeConfig } from '@kubernetes/client-node'
import { expect, onTestFinished, test } from 'vitest'
import { KubernetesDriver } from './kubernetes-driver.ts'
import { KubernetesServer } from './test-support/kubernetes-server.ts'

// No Kubernetes was available where these tests were written: they show that the driver speaks the
// published API, by Kubernetes' own client over HTTP, and not what a cluster does.

async function world(deployment = 'units') {
  const server = await KubernetesServer.start()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'here', server: server.url, skipTLSVerify: true },
    { name: 'somebody' },
  )
  const api = config.makeApiClient(AppsV1Api)
  return { server, driver: new KubernetesDriver(api, { namespace: 'shop', deployment }) }
}

test('(no Kubernetes was available: its API by its own client) the scale of the deployment is replaced', async () => {
  const { server, driver } = await world()
  expect(await driver.look()).toEqual({ wanted: 1, ready: 1, starting: 0, spares: 0 })
  await driver.scale(3)
  expect(server.replicas).toBe(3)
  expect(await driver.look()).toEqual({ wanted: 3, ready: 1, starting: 2, spares: 0 })
  expect(server.asked).toContain('PUT /apis/apps/v1/namespaces/shop/deployments/units/scale')
})

test('when somebody has changed it since it was looked at, nothing is changed', async () => {
  const { server, driver } = await world()
  await driver.look()
  server.touch()
  await expect(driver.scale(9)).rejects.toMatchObject({
    ...{ code: 'fenced', message: expect.stringContaining('has been modified') },
  })
  expect(server.replicas).toBe(1)
  await driver.look()
  await driver.scale(2)
  expect(server.replicas).toBe(2)
})

test('a deployment that is not there is told in the words of the cluster', async () => {
  const { driver } = await world('nothing')
  await expect(driver.look()).rejects.toMatchObject({
    ...{ code: 'no_responder', message: 'Kubernetes: deployments.apps "nothing" not found' },
  })
})

test('a cluster that does not answer', async () => {
  const { server, driver } = await world()
  await server[Symbol.asyncDispose]()
  await expect(driver.look()).rejects.toMatchObject({ code: 'no_responder' })
})
