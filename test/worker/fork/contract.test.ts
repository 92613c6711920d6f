import { launcherContract, contractApp } from '../../contracts/launcher.contract.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { forkLauncher } from './support.ts'

leavesNoProcess()

launcherContract('fork', () => forkLauncher(contractApp))
