import './whole-strings.ts'
import { Packr } from 'msgpackr'

/**
 * MessagePack as everything here is stored and sent. Records outlive the process that wrote them, so no structure is shared between messages;
 * byte fields are copied, for as views they would keep what they were read from in memory.
 */
export const messagePack = new Packr({
  useRecords: false,
  variableMapSize: true,
  copyBuffers: true,
})
