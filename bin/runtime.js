#!/usr/bin/env node
// Shim onto the built command; from a checkout, `npm run build` makes dist/.
import '../dist/cli/main.js'
