/** The data writer as a program: it applies changes to MongoDB, exactly once in effect. */

export { runDataWriter } from '@spacegrid/data-writer/program'
