#!/usr/bin/env node
// Shim onto the built command; from a checkout, `npm run build` makes dist/.
// Where Node has it (22.1 and newer), the second start does not compile again.
require('node:module').enableCompileCache?.()
require('../dist/command.cjs')
