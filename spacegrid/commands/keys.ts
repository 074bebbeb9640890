import type { AddCommand } from '../command-line/add-command.ts'
import { addKeysApi } from './keys-api.ts'

export const addKeys: AddCommand = (program) => {
  const keys = program.command('keys').description('Keys of a grid: who may do what is in them.')
  addKeysApi(keys)
}
