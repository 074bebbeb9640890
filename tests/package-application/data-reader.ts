import { runDataReader } from 'spacegrid/data-reader'

await runDataReader()
