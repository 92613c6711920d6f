import type { Peer } from '../peer.ts'
import { bullmq } from './bullmq.ts'
import { graphileWorker } from './graphile-worker.ts'
import { nodeResque } from './node-resque.ts'
import { ours } from './ours.ts'
import { pgBoss } from './pg-boss.ts'
import { rq } from './rq.ts'
import { sidekiq } from './sidekiq.ts'

/** In the order of the tables' columns; ours first. */
export const peers: readonly [Peer, ...Peer[]] = [ours, bullmq, nodeResque, graphileWorker, pgBoss, rq, sidekiq]
