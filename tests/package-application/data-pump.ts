import { runDataPump } from 'spacegrid/data-pump'

await runDataPump()
