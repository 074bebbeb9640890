/** The data pump as a program: it melds the log and publishes its changes. */

export { runDataPump } from '@spacegrid/data-pump/program'
