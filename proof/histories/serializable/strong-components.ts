/**
 * The strongly connected components of a directed graph: a number for each node, the same for those
 * that can be reached from one another (Tarjan, 1972). Without recursion: a history may be one long
 * path.
 *
 * @param successors nodes that an edge leads to, for each node
 */
export function strongComponents(successors: readonly (readonly number[])[]): number[] {
  const unvisited = -1
  const count = successors.length
  const order = new Array<number>(count).fill(unvisited)
  const low = new Array<number>(count).fill(0)
  const component = new Array<number>(count).fill(unvisited)
  const open: number[] = []
  let visited = 0
  let components = 0
  const enter = (node: number, path: { node: number; next: number }[]): void => {
    order[node] = low[node] = visited++
    open.push(node)
    path.push({ node, next: 0 })
  }
  for (let root = 0; root < count; root++) {
    if (order[root] !== unvisited) continue
    const path: { node: number; next: number }[] = []
    enter(root, path)
    for (let place = path.at(-1); place !== undefined; place = path.at(-1)) {
      const { node } = place
      const successor = successors[node]?.[place.next++]
      if (successor !== undefined) {
        if (order[successor] === unvisited) enter(successor, path)
        // One that has a component cannot lead back here.
        else if (component[successor] === unvisited)
          low[node] = Math.min(low[node] as number, order[successor] as number)
        continue
      }
      path.pop()
      const parent = path.at(-1)?.node
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number)
      if (low[node] === order[node]) {
        for (let member = open.pop(); member !== undefined; member = open.pop()) {
          component[member] = components
          if (member === node) break
        }
        components++
      }
    }
  }
  return component
}
