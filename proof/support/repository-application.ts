import { fileURLToPath } from 'node:url'
import type { ClusterApplication } from 'spacegrid/cluster/cluster-options'

/** An application of this repository, for clusters of tests. */
export const repositoryApplication = (name: 'ticketing' | 'auction'): ClusterApplication => ({
  files: [fileURLToPath(new URL(`../../processing-units/${name}/space.ts`, import.meta.url))],
  spaces: [name],
})
