import type { PythonTool } from '../python/python-packages.ts'

/** Checks manifests against the schemas of Kubernetes' own API, which it brings along. */
export const kubernetesValidate: PythonTool = {
  requirement: 'kubernetes-validate==1.37.0',
  product: 'kubernetes_validate/__main__.py',
  megabytes: 140,
  purpose: 'the check of kubernetes/',
}
