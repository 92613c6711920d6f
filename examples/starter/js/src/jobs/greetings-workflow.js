import { Job, Workflow } from 'resque-runtime'

export class GreetJob extends Job {
  static queue = 'default'

  async perform({ name }) {
    return `hello ${name}`
  }
}

export class CollectJob extends Job {
  static queue = 'default'

  async perform() {
    return this.payloads.map(({ output }) => output)
  }
}

/**
 * Greets everyone at the same time, then collects the greetings:
 * `npx runtime workflow run GreetingsWorkflow '["ann","ben"]' --wait`
 */
export class GreetingsWorkflow extends Workflow {
  configure(names) {
    const greetings = names.map((name) => this.run(GreetJob, { params: { name } }))
    this.run(CollectJob, { after: greetings })
  }
}
