import { group } from '../command.ts'
import {
  continueCommand,
  expireCommand,
  removeCommand,
  retryCommand,
  skipCommand,
  stopCommand,
} from './workflow-change.ts'
import { createCommand, runCommand, startCommand } from './workflow-create.ts'
import { listCommand, showCommand } from './workflow-show.ts'
import { vizCommand } from './workflow-viz.ts'

/** `runtime workflow …` */
export const workflowCommand = group([
  createCommand,
  startCommand,
  runCommand,
  showCommand,
  listCommand,
  vizCommand,
  stopCommand,
  continueCommand,
  retryCommand,
  skipCommand,
  removeCommand,
  expireCommand,
] as never)
