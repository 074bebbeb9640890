import type { PythonTool } from './python-packages.ts'

/** Asks an API everything that its OpenAPI document allows, and more. */
export const schemathesis: PythonTool = {
  requirement: 'schemathesis==4.32.5',
  product: 'schemathesis/__init__.py',
  megabytes: 60,
  purpose: 'Schemathesis',
}
