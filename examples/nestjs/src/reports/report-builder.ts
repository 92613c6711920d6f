import { Injectable } from '@nestjs/common'

@Injectable()
export class Prices {
  of(row: number): number {
    return row * 1.5
  }
}

/** The slow work. A provider as any other: its dependencies are injected. */
@Injectable()
export class ReportBuilder {
  constructor(private readonly prices: Prices) {}

  build(rows: number): { rows: number; revenue: number; pid: number } {
    let revenue = 0
    for (let row = 1; row <= rows; row++) revenue += this.prices.of(row)
    return { rows, revenue, pid: process.pid }
  }
}
