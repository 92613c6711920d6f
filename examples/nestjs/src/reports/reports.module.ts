import { Module } from '@nestjs/common'
import { Prices, ReportBuilder } from './report-builder.js'

/** What jobs need. The web application imports it, too. */
@Module({ providers: [Prices, ReportBuilder], exports: [ReportBuilder] })
export class ReportsModule {}
