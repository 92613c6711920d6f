import { serve } from '@hono/node-server'
import { close } from 'resque-runtime'
import { app } from './app.ts'

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`open http://localhost:${port}`),
)

process.once('SIGTERM', () => {
  server.close()
  if ('closeAllConnections' in server) server.closeAllConnections()
  close()
})
