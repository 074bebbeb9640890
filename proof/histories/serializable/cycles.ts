import type { Dependency, DependencyGraph, Edge } from './dependency-graph.ts'
import type { CycleAnomaly, ListFinding } from './list-finding.ts'
import { strongComponents } from './strong-components.ts'

interface CycleKind {
  readonly anomaly: CycleAnomaly
  /** The cycle has this edge at least, */
  readonly has: Dependency
  /** and otherwise only these. */
  readonly besides: ReadonlySet<Dependency>
}

const kindsOf = (suffix: '' | '-realtime', ...more: Dependency[]): CycleKind[] => [
  { anomaly: `G0${suffix}`, has: 'ww', besides: new Set(['ww', ...more]) },
  { anomaly: `G1c${suffix}`, has: 'wr', besides: new Set(['ww', 'wr', ...more]) },
  { anomaly: `G-single${suffix}`, has: 'rw', besides: new Set(['ww', 'wr', ...more]) },
  { anomaly: `G2${suffix}`, has: 'rw', besides: new Set(['ww', 'wr', 'rw', ...more]) },
]

/** The gravest first. */
const kinds: readonly CycleKind[] = [...kindsOf(''), ...kindsOf('-realtime', 'rt')]

/**
 * Of one tangle. Where everything is wrong, each search for a way back would go through all of it;
 * past this many the cycle is named by a weaker kind, and found all the same.
 */
const searchesMax = 500

/**
 * What no order can explain: transactions each of which comes before the next, and the last before
 * the first. One finding for each tangle of them, a shortest cycle of the gravest kind in it.
 */
export function findCycles(graph: DependencyGraph): ListFinding[] {
  const tangles = strongComponents(graph.map((edges) => edges.map(({ to }) => to)))
  const told = new Set<number>()
  return kinds.flatMap((kind) => cyclesOf(kind, graph, tangles, told))
}

/** @param told tangles of which a cycle has been found */
function cyclesOf(
  { anomaly, has, besides }: CycleKind,
  graph: DependencyGraph,
  tangles: readonly number[],
  told: Set<number>,
): ListFinding[] {
  const takes = ({ kind }: Edge) => kind === has || besides.has(kind)
  const knots = strongComponents(graph.map((edges) => edges.filter(takes).map(({ to }) => to)))
  const byTangle = new Map<number, Edge[]>()
  for (const edge of graph.flat()) {
    const tangle = tangles[edge.from] as number
    if (edge.kind !== has || knots[edge.from] !== knots[edge.to] || told.has(tangle)) continue
    const edges = byTangle.get(tangle)
    if (edges) edges.push(edge)
    else byTangle.set(tangle, [edge])
  }
  const findings: ListFinding[] = []
  for (const [tangle, edges] of byTangle) {
    let shortest: readonly Edge[] | undefined
    for (const edge of edges.slice(0, searchesMax)) {
      const back = shortestWay(graph, edge.to, edge.from, (next) => besides.has(next.kind))
      if (back && (!shortest || back.length + 1 < shortest.length)) shortest = [edge, ...back]
      if (shortest?.length === 2) break
    }
    if (!shortest) continue
    told.add(tangle)
    findings.push({
      anomaly,
      transactions: shortest.map(({ from }) => from),
      because: shortest.map(({ because }) => because),
    })
  }
  return findings
}

function shortestWay(
  graph: DependencyGraph,
  from: number,
  to: number,
  takes: (edge: Edge) => boolean,
): Edge[] | undefined {
  const came = new Map<number, Edge | undefined>([[from, undefined]])
  const queue = [from]
  for (const node of queue) {
    if (node === to) break
    for (const edge of graph[node] ?? [])
      if (takes(edge) && !came.has(edge.to)) {
        came.set(edge.to, edge)
        queue.push(edge.to)
      }
  }
  if (!came.has(to)) return undefined
  const way: Edge[] = []
  for (let edge = came.get(to); edge !== undefined; edge = came.get(edge.from)) way.unshift(edge)
  return way
}
