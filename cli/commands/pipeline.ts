import { group } from '../command.ts'
import { listCommand, loadCommand, paramsCommand, removeCommand } from './pipeline-load.ts'
import { retryCommand, runCommand, runsCommand, showCommand, skipCommand, stopCommand } from './pipeline-run.ts'

/** `runtime pipeline …` */
export const pipelineCommand = group([
  loadCommand,
  listCommand,
  showCommand,
  runCommand,
  runsCommand,
  retryCommand,
  skipCommand,
  stopCommand,
  paramsCommand,
  removeCommand,
] as never)
