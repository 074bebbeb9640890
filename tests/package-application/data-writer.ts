import { runDataWriter } from 'spacegrid/data-writer'

await runDataWriter()
