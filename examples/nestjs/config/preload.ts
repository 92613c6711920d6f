import { jobContext } from '../src/context.js'

await jobContext()
