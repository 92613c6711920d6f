import { silentLogger } from '../../runtime/core/logger.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import { contractApp, launcherContract } from '../contracts/launcher.contract.ts'
import { leavesNoProcess } from '../support/process.ts'

leavesNoProcess()

const nowhere = { out: () => undefined, err: () => undefined }

launcherContract('inline', () => new InlineLauncher(contractApp), {
  'own process': 'inline runs jobs in the supervisor itself',
  killed: 'inline has no process to kill',
  exits: 'an exit would end the supervisor',
})
launcherContract(
  'spawn',
  () =>
    new SpawnLauncher({
      source: contractApp,
      log: silentLogger,
      spares: 2,
      bootTimeoutMs: 30_000,
      passOutput: nowhere,
    }),
)
