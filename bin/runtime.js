#!/usr/bin/env node
// Shim onto the built command; from a checkout, `npm run build` makes dist/.
import module from 'node:module'
// Where Node has it (22.1 and newer), the second start does not compile again.
module.enableCompileCache?.()
await import('../dist/command.js')
