import { createServer } from 'node:http'
import { close } from 'resque-runtime'
import { closeDb, db } from './db.ts'
import { placeOrder } from './orders.ts'
import { ddl } from './schema.ts'

await db().$client.query(ddl)
const server = createServer((request, response) => {
  const customer = new URL(request.url ?? '/', 'http://localhost').searchParams.get('customer') ?? 'ann'
  placeOrder(customer, 1999).then(
    (id) => response.end(`order ${id}\n`),
    (error: Error) => response.writeHead(500).end(`${error.message}\n`),
  )
}).listen(Number(process.env.PORT ?? 3000), () => console.log('try: curl localhost:3000/?customer=ann'))

process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  close()
  void closeDb()
})
