import { buildApp } from './app.ts'

const app = buildApp()
console.log(`listening at ${await app.listen({ port: Number(process.env.PORT ?? 3000) })}`)
process.once('SIGTERM', () => void app.close())
