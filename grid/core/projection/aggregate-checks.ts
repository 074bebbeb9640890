import type { TObject } from 'typebox'
import { takeData } from '../data.ts'
import { checkName, checkSynchronous } from '../definition-checks.ts'
import { typesOf } from '../schema-check.ts'
import type { Aggregate, AggregatePlan, Picked } from './aggregate.ts'

const topMax = 1000

/**
 * The values of a row as they are declared.
 * @param entry schema of the items, if that is known
 * @throws TypeError
 */
export function takeAggregates(
  what: string,
  made: unknown,
  groupBy: readonly string[],
  entry: TObject | undefined,
): Readonly<Record<string, Aggregate>> {
  if (typeof made !== 'object' || made === null || 'then' in made || Object.keys(made).length === 0)
    throw new TypeError(`${what}: values gives an object of values, such as { free: count() }`)
  const taken: Record<string, Aggregate> = {}
  for (const [name, value] of Object.entries(made)) {
    checkName(`${what}: value`, name)
    if (groupBy.includes(name))
      throw new TypeError(`${what}: value ${name} has the name of a field that is grouped by`)
    const plan: unknown = Object(value).plan
    if (typeof plan !== 'object' || plan === null)
      throw new TypeError(`${what}: value ${name} is none of count, sum, min, max, top and fold`)
    taken[name] = { plan: takePlan(`${what}: value ${name}`, plan as AggregatePlan, entry) }
  }
  return taken
}

function takePlan(what: string, plan: AggregatePlan, entry: TObject | undefined): AggregatePlan {
  switch (plan.kind) {
    case 'count':
      if (plan.where !== undefined) checkSynchronous(`${what}: where`, plan.where)
      return plan
    case 'sum':
      checkPicked(what, plan.of, entry, ['number', 'integer', 'null'])
      return plan
    case 'min':
    case 'max':
      checkPicked(what, plan.of, entry, undefined)
      return plan
    case 'top':
      if (!Number.isInteger(plan.count) || plan.count < 1 || plan.count > topMax)
        throw new TypeError(`${what}: top takes a whole number from 1 to ${topMax}`)
      for (const field of [plan.by, ...(plan.show ?? [])]) checkField(what, field, entry)
      return plan
    case 'fold':
      for (const step of ['add', 'remove', 'merge'] as const)
        if (step !== 'merge' || plan.merge !== undefined)
          checkSynchronous(`${what}: ${step}`, plan[step])
      return { ...plan, initial: takeData(plan.initial) }
  }
}

function checkPicked(
  what: string,
  of: Picked,
  entry: TObject | undefined,
  types: readonly string[] | undefined,
): void {
  if (typeof of === 'function') {
    checkSynchronous(what, of)
    return
  }
  checkField(what, of, entry)
  const found = entry && typesOf(entry.properties[of])
  if (types && found && ![...found].every((type) => types.includes(type)))
    throw new TypeError(`${what}: ${of} is not always a number`)
}

function checkField(what: string, field: unknown, entry: TObject | undefined): void {
  if (typeof field !== 'string') throw new TypeError(`${what}: names no field`)
  if (entry && !Object.hasOwn(entry.properties, field))
    throw new TypeError(`${what}: names the unknown field ${field}`)
}
