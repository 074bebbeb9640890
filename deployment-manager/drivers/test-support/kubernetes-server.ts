import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const deployments = /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/deployments\/([^/]+)(\/scale)?$/

/**
 * A small server that follows the published API of Kubernetes (`apps/v1`) as far as a driver of
 * units uses it: one deployment, its scale, and that a change which names another version than
 * there is gets 409. It runs nothing. No cluster is to be had where these tests are written; what a
 * real one does beyond its API they do not show.
 */
export class KubernetesServer implements AsyncDisposable {
  replicas = 1
  ready = 1
  readonly asked: string[] = []
  #version = 1000
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<KubernetesServer> {
    const server = new KubernetesServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Somebody else changes it. */
  touch(): void {
    this.#version++
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    const path = url.split('?')[0] ?? ''
    this.asked.push(`${method} ${path}`)
    const send = (code: number, body: object) => {
      response.writeHead(code, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const refuse = (code: number, reason: string, message: string) =>
      send(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code })
    const [, namespace, name, scale] = deployments.exec(path) ?? []
    if (namespace !== 'shop' || name !== 'units')
      return refuse(404, 'NotFound', `deployments.apps "${name}" not found`)
    if (method === 'PUT' && scale) {
      const { kind, metadata, spec } = await bodyOf(request)
      const version = Object(metadata).resourceVersion
      if (kind !== undefined && kind !== 'Scale') return refuse(400, 'BadRequest', 'no Scale')
      if (version !== undefined && version !== String(this.#version))
        return refuse(409, 'Conflict', 'the object has been modified; please apply your changes')
      this.replicas = Object(spec).replicas as number
      this.touch()
    } else if (method !== 'GET') return refuse(405, 'MethodNotAllowed', 'not allowed')
    const metadata = { namespace, name, resourceVersion: String(this.#version) }
    const status = { replicas: this.replicas, readyReplicas: this.ready }
    const kind = scale ? 'Scale' : 'Deployment'
    const apiVersion = scale ? 'autoscaling/v1' : 'apps/v1'
    return send(200, { kind, apiVersion, metadata, spec: { replicas: this.replicas }, status })
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>
}
