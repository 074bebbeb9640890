/** The data reader as a program: it rehydrates units from MongoDB and answers for archived data. */

export { runDataReader } from '@spacegrid/data-reader/program'
