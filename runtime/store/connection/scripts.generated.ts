// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: '9138c8e8071543970238b949f5b28914a719f9ec',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'permits', 'failedAt'],
    rest: false,
  },
  'archive-done': {
    sha1: '447043af004ce3224409d4629ed6dc1616653142',
    args: ['owner', 'at'],
    rest: true,
  },
  'archive-release': {
    sha1: '6532b42aa3cce1dfade0925f238d0718a452f9b5',
    args: ['owner'],
    rest: false,
  },
  'archive-take': {
    sha1: 'f028118e3cd459f71eb2d7293b211d86bae438ef',
    args: ['owner', 'leaseMs', 'count'],
    rest: false,
  },
  'beat': {
    sha1: '290408028d0257ee5313e18a637698ba05b683ca',
    args: ['supervisor', 'leaseMs', 'heartbeat'],
    rest: true,
  },
  'begin': {
    sha1: 'c4fdcdc4b7d3d874d87f23220dd43e4001f35daa',
    args: ['supervisor', 'id', 'delivery', 'once'],
    rest: false,
  },
  'cancel': {
    sha1: '96f3c512289d3ed79052ba5ac741a29afe7b8500',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '89f99f855163b8bb694b8d252ffbcc0969d13d72',
    args: ['queue', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'count': {
    sha1: '32da0b5ec28b317cfefe157722bfb55cec576894',
    args: ['minute', 'hour', 'maxFields', 'minuteTtlMs', 'hourTtlMs'],
    rest: true,
  },
  'count-delayed': {
    sha1: '4cc0eb9a33c876ce7a5389ee7cd4691a61ed0477',
    args: ['from', 'count'],
    rest: false,
  },
  'delay': {
    sha1: '6bf7538208b94af2403c8718a14a9a682ac261a7',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: 'e8d5041f7985017d9dc0fbcbd5405046e95d12f0',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: '42cec657c0b149f31ac87c96e18ae9b85523b8fd',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: '1efe7fbce91367407ad29324a4ba3d70976ff069',
    args: ['queue', 'now', 'ttlMs'],
    rest: true,
  },
  'entry-busy': {
    sha1: 'abd753636a5ec1282391fccd29170da1314ed2a2',
    args: ['name'],
    rest: false,
  },
  'find-delayed': {
    sha1: '9961b72c3bfec23a536809391d052099677463a5',
    args: ['cursor', 'item', 'queue'],
    rest: false,
  },
  'fire-entry': {
    sha1: 'b7fea487b9bc31be910bd69e5e371516a7bb4db4',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'now', 'lateMs', 'next', 'lastEnqueuedAt', 'mode', 'queue', 'item', 'options', 'class', 'id', 'ttlMs', 'unique', 'uniqueMs', 'uniqueUntil'],
    rest: false,
  },
  'lapsed': {
    sha1: 'e80e8503bb035ff313376b7f5ec390e1ce721031',
    args: ['count'],
    rest: false,
  },
  'memory-clear': {
    sha1: 'c89b226cdf61ec87a4fa652c0071dd8c36c9cae0',
    args: ['id', 'prefix', 'ttlMs'],
    rest: false,
  },
  'memory-extend': {
    sha1: '42599cf95c1aaea3b13c0aadee1a3646081c2c0f',
    args: ['id', 'prefix', 'ttlMs'],
    rest: false,
  },
  'memory-read': {
    sha1: 'cedf57a742518d9dcba6303216748635fc9cde38',
    args: ['id', 'prefix', 'ttlMs', 'all', 'owners'],
    rest: true,
  },
  'memory-write': {
    sha1: 'a75e7fe8fcdfa392574536ccb1646595d4ec1d78',
    args: ['id', 'prefix', 'ttlMs', 'job', 'node', 'values', 'by', 'expects'],
    rest: false,
  },
  'move-buckets': {
    sha1: '64118ec246ccb7d39503d781fc1acc8c4037f984',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: 'e3c4e1cef4e795d386131142c6b2b9b4f18b631c',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: '46c5189b89ba7505121c1b311629d92c6b78c399',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: 'b806d1a4d3a319ad392b9a015e17cacc1d2cd2f5',
    args: ['request', 'id', 'now', 'reason'],
    rest: false,
  },
  'pipeline-load': {
    sha1: '8514e1430a02b45b42b67dbd1ae5682da9d990d0',
    args: ['name', 'definition', 'kept'],
    rest: false,
  },
  'pipeline-remove': {
    sha1: '558a13b84e08fad59e8fd9e8957b42ad6e441141',
    args: ['name'],
    rest: false,
  },
  'pipeline-request': {
    sha1: '70a3779626c2d44c8088372edb94a69cb2e91e01',
    args: ['id', 'now', 'max', 'ttlMs'],
    rest: true,
  },
  'queue-heads': {
    sha1: '38e97ee8886f62837b5807b42c4d0e1c71190d9f',
    args: [],
    rest: true,
  },
  'reclaim': {
    sha1: '62099bb25cc842f6f05dd57e00459d318f45c4fb',
    args: ['supervisor', 'now', 'failedAt', 'maxRedeliveries', 'failedMax', 'ttlMs'],
    rest: false,
  },
  'register': {
    sha1: '6739760ded4047310018e7d5e122a6de73e800ed',
    args: ['supervisor', 'leaseMs', 'heartbeat', 'started', 'about'],
    rest: true,
  },
  'register-entry': {
    sha1: 'b76ce17c2b21a9dadb3610e5656a76f4b366fd49',
    args: ['name', 'now', 'latest', 'enabled', 'timing'],
    rest: false,
  },
  'release-lock': {
    sha1: 'e551ebce62c97fad10677669f08b4727e875ade8',
    args: ['lockPrefix', 'owner'],
    rest: false,
  },
  'release-maintenance-lock': {
    sha1: '698bbe73a3a1c9a6a15b5292c0b97a4bcfac3ad6',
    args: ['duty', 'owner'],
    rest: false,
  },
  'release-unique': {
    sha1: '5dbf8ab8c00ea2166397df914275fdfc5527d260',
    args: ['lock'],
    rest: false,
  },
  'remove-delayed': {
    sha1: 'd8a421091eac47d53b3d653ff15977b748474eb8',
    args: ['second', 'item', 'now', 'ttlMs'],
    rest: false,
  },
  'remove-failed': {
    sha1: '0cace33dcee004c8ca28e919573e874d655ebba3',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: '71320ba978c6e00ed716b92d209182984877c771',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: '0f587b9cbf9850a8966203701dce3ca7aab857e7',
    args: ['supervisor', 'now', 'slots', 'queueCount', 'list', 'listener', 'idleMs', 'polled', 'failedMax'],
    rest: true,
  },
  'retry-failed': {
    sha1: 'efe909f51857865e6706cd081fb06ecdda9288c5',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '9f7406d45d2329a0285abc12f5c3a9a1e6a9ff94',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: '8fb7cd64d025360431576b0d375edb8a339ff558',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: 'f05d92fe201727e8a4e489a08bb9ad3aed28734f',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: 'f9c098595724bd2a9f2c332468c75d853ed2a845',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: '9430af0c3826559c94a5c0993fce56c1ff9b30b9',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: 'b2de4945aa5f0b5089df1d5489a88f9c3f97fdfd',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: 'adf7ce96eabe4fa54aa74a6ba0ff16be860e7ea6',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: 'b8238f3b77009db7642b7874ab63283faa9f0c39',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: '21ab848f8d6c0c6704942572cce01ae711f778d8',
    args: ['id', 'now'],
    rest: false,
  },
  'run-step-begin': {
    sha1: 'eafdd7ad6b6a98c93a6fbc08c2f51d898e09b4e6',
    args: ['id', 'index', 'job', 'attempt', 'now', 'few'],
    rest: false,
  },
  'run-stop': {
    sha1: '1d44ea1ce4680d9085348ecccdb040c3825fc76a',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '03c9c64b6e5f99dd6d42af5cc2404b3fa3b921ee',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: '130529877659a7abab81d5dcdd4d9f108fabc57a',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'failedAt', 'state', 'entry', 'failedMax', 'ttlMs', 'fields', 'output', 'extra'],
    rest: false,
  },
  'settle-batch': {
    sha1: '01433b50b0d2dd2a1c8c392064ee4df4bb32b9fb',
    args: ['supervisor', 'now', 'failedMax'],
    rest: true,
  },
  'show-jobs': {
    sha1: 'a6331a77fdbed1abe3a6c9ef51ce25bdaf15dec5',
    args: ['supervisor'],
    rest: true,
  },
  'skip-firings': {
    sha1: '79e7b5180308988665d2b7941bf76a4daf150792',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'next', 'count', 'reason', 'note', 'wait'],
    rest: false,
  },
  'stale-locks': {
    sha1: 'e0eaa6be99a2246470012728d0f1d1781c9593a9',
    args: [],
    rest: true,
  },
  'start-entry': {
    sha1: '6e935866513daec915d7b271beadc554b30e72fe',
    args: ['name', 'slot', 'phase', 'id', 'reason', 'note'],
    rest: false,
  },
  'sweep-limits': {
    sha1: '2a8c7a185edcf2fa6c741a0d3f895e89f7437036',
    args: ['count'],
    rest: false,
  },
  'sweep-tickets': {
    sha1: 'f83234d3df03b61ca1fc91c6bafc0005b8bfd65d',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: '74a4cf8387d1905156666b0e7fc99bed938c17e3',
    args: ['mode', 'queue', 'class', 'item', 'newItem', 'now', 'ttlMs', 'due', 'second', 'newId', 'forms', 'max', 'first'],
    rest: true,
  },
  'take-maintenance-lock': {
    sha1: '00542c139e1a04f3c78237df943a28c1733cc349',
    args: ['duty', 'owner', 'holdMs'],
    rest: false,
  },
  'take-master-lock': {
    sha1: '58b95c2ca6dc078f5157e933953f4cb9b1490946',
    args: ['lockPrefix', 'owner', 'ttlMs', 'zone'],
    rest: false,
  },
  'wake': {
    sha1: 'ca611c990b0be6a1bb0081265679f8318c06315e',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
