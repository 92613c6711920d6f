// What a job costs in child_process.fork without this runtime: loads the built application, runs the job, says so, and leaves.
const { Empty } = await import(process.argv[2])
await new Empty().perform()
process.send('done', () => process.exit(0))
