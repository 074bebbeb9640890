import { auction } from './auction.ts'
import { bank } from './bank.ts'
import { careless } from './careless.ts'
import { cellar } from './cellar.ts'
import { countersWorkload } from './counters.ts'
import { queueWorkload } from './queue.ts'
import { registry } from './registry.ts'
import { ticketing } from './ticketing.ts'
import type { Workload } from './workload.ts'

export const workloads: readonly Workload[] = [
  bank,
  countersWorkload,
  queueWorkload,
  registry,
  ticketing,
  auction,
  careless,
  cellar,
]
