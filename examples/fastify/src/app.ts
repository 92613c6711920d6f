import fastify, { type FastifyInstance } from 'fastify'
import { close, enqueue, findJob, RuntimeError } from 'resque-runtime'
import { WelcomeJob } from './jobs/welcome-job.ts'

export function buildApp(): FastifyInstance {
  const app = fastify()

  const body = { type: 'object', required: ['email'], properties: { email: { type: 'string', minLength: 3 } } }
  app.post<{ Body: { email: string } }>('/users', { schema: { body } }, async (request, reply) => {
    const job = await enqueue(WelcomeJob, request.body.email)
    return reply.code(202).send({ job: job.id })
  })

  app.get<{ Params: { id: string } }>('/jobs/:id', async (request) => findJob(request.params.id).status())

  // ERR_REDIS: Redis cannot be reached. The job was not enqueued, or it is unknown whether it was.
  app.setErrorHandler((error, _request, reply) =>
    error instanceof RuntimeError ? reply.code(503).send({ error: error.code }) : reply.send(error),
  )

  // Without this the open connection to Redis keeps the process running.
  app.addHook('onClose', async () => close())
  return app
}
