import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import type { INestApplicationContext } from '@nestjs/common'
import { ReportsModule } from './reports/reports.module.js'

let context: Promise<INestApplicationContext> | undefined

/**
 * The providers of jobs, without a web server. config/preload.ts makes it once, in the process that forks; each job gets
 * a copy. Providers must not connect to anything in their constructors: connect in config/hooks.ts, `afterFork`.
 */
export function jobContext(): Promise<INestApplicationContext> {
  context ??= NestFactory.createApplicationContext(ReportsModule, { logger: ['error', 'warn'] })
  return context
}
