import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { GridError } from '../core/errors.ts'
import { partitionsMax } from '../core/partition.ts'
import { knownVariables } from './environment.ts'
import { misspeltVariables } from './misspelt-variables.ts'
import { type Described, readVariables } from './variables.ts'

/** Variables of an environment: `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>

/** Of applications that let their space be divided: into how many partitions. */
export const partitionsSetting = Type.Integer({
  minimum: 1,
  maximum: partitionsMax,
  default: 1,
  description: 'Into how many partitions the space is divided',
  allowed: `an integer from 1 to ${partitionsMax}`,
})

const variableName = /^[A-Z][A-Z0-9_]*$/

/**
 * Reads an application's own settings from the environment: an object with a field for each
 * variable, which says with `description` what it is for and with `allowed`, in words, what it may
 * be. One that is not set, or set to nothing, has its default; without a default it is absent where
 * it is optional, and missed where it is not. Integers and numbers are written in decimal digits,
 * booleans `true` or `false`. Called by an application's `main.ts`, once; inside
 * `runProcessingUnit` what is wrong ends the process with one line and exit code 2.
 *
 * ```ts
 * const settings = Type.Object({
 *   HOLD_MS: Type.Integer({
 *     minimum: 1,
 *     default: 120_000,
 *     description: 'How long seats are held, ms',
 *     allowed: 'an integer from 1 (ms)',
 *   }),
 * })
 * await runProcessingUnit(() => createTicketing({ holdMs: readSettings(settings).HOLD_MS }))
 * ```
 *
 * @param variables where they are read. Default: the environment of the process
 * @param warn told of each variable that is set, that nothing reads, and whose name is near to one
 * of these. Default: a line on standard error
 * @throws GridError `configuration_invalid`: one line with each wrong variable, its value and what
 * is allowed
 * @throws TypeError for a name that is no variable's or that the library reads itself, and for a
 * setting that does not say what is allowed
 */
export function readSettings<Schema extends TObject, Values = Static<Schema>>(
  schema: Schema,
  variables: Variables = process.env,
  warn: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Values {
  const schemas = schema.properties as Readonly<Record<string, TSchema & Described>>
  const names = Object.keys(schemas)
  for (const name of names) checkDeclaration(name, schemas[name])
  for (const line of misspeltVariables(variables, names, knownVariables)) warn(line)
  const required = names.filter((name) => schema.required?.includes(name) === true)
  const { values, problems } = readVariables(schemas, required, variables)
  if (problems.length > 0)
    throw new GridError('configuration_invalid', problems.join('; '), { details: { problems } })
  return values as Values
}

function checkDeclaration(name: string, setting: Partial<Described> | undefined): void {
  if (!variableName.test(name))
    throw new TypeError(`setting ${JSON.stringify(name)} must match ${variableName}`)
  if (knownVariables.includes(name))
    throw new TypeError(`setting ${name} is the library's own: give it another name`)
  if (typeof setting?.allowed !== 'string')
    throw new TypeError(`setting ${name} must say in words what is allowed`)
}
