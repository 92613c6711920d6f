// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: 'da64d9eb62af49e7d2d15b93372043bb208e84e8',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'permits', 'failedAt'],
    rest: false,
  },
  'archive-done': {
    sha1: 'a3c8ca8de60469d9c618a9d76a1e3e250eb633f2',
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
    sha1: 'bd970535a3fe2efb2496eaf8e86ec642c7154815',
    args: ['supervisor', 'leaseMs', 'heartbeat'],
    rest: true,
  },
  'begin': {
    sha1: '36af40bb29b915bdb0ce8e596db5e6b31c41f528',
    args: ['supervisor', 'id', 'delivery', 'once'],
    rest: false,
  },
  'cancel': {
    sha1: '35fc469c0e6ab80ffe3fd8d97c07d00ec102fb81',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '4d26e911d712aa475b4df45a93c1532bf39e4d1b',
    args: ['queue', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'count': {
    sha1: '43d05de251d504c78a269fec1641092d1655d3d4',
    args: ['minute', 'hour', 'maxFields', 'minuteTtlMs', 'hourTtlMs'],
    rest: true,
  },
  'count-delayed': {
    sha1: '4cc0eb9a33c876ce7a5389ee7cd4691a61ed0477',
    args: ['from', 'count'],
    rest: false,
  },
  'delay': {
    sha1: '16eacd211287f5ba963998de99d4d89f301052e4',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: '182f018545de425f8deadb003937041c9aafa87e',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: '1d2d3f162e7aad14d8d56d2311b3d61385ed99b4',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: 'bd6e5eaaa3a23cc8316018ffedaa5857582e0cb1',
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
    sha1: '351aba6dd739b13d640d81620224b92fff21d919',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'now', 'lateMs', 'next', 'lastEnqueuedAt', 'mode', 'queue', 'item', 'options', 'class', 'id', 'ttlMs', 'unique', 'uniqueMs', 'uniqueUntil'],
    rest: false,
  },
  'lapsed': {
    sha1: '464bcb1ffbb6b74215fefd52b5c9ffd341662e22',
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
    sha1: '8222aa1826422dffc3dc17f855db4e67a231eedd',
    args: ['id', 'prefix', 'ttlMs', 'all', 'owners'],
    rest: true,
  },
  'memory-write': {
    sha1: 'a75e7fe8fcdfa392574536ccb1646595d4ec1d78',
    args: ['id', 'prefix', 'ttlMs', 'job', 'node', 'values', 'by', 'expects'],
    rest: false,
  },
  'move-buckets': {
    sha1: '0002fc03db4c4e2acb00ec080ceb2db94f7c229a',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: 'b48c0aea1ea593b7345e85bc29e59e3264a7e7d4',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: 'b08182d1d6586bcbad8f09e466ac974589784ae2',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: 'eba6081c6c8404332b975284900c81eb21cbe40c',
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
    sha1: '32f1e7cc5a2ef2b077cd64bfceee124d87757f2b',
    args: ['id', 'now', 'max', 'ttlMs'],
    rest: true,
  },
  'queue-heads': {
    sha1: '116dc9dcbc2af1b371b172101a11f711773b689f',
    args: [],
    rest: true,
  },
  'reclaim': {
    sha1: 'be428f73c9afcc57193fd9ab354f973c6d99799d',
    args: ['supervisor', 'now', 'failedAt', 'maxRedeliveries', 'failedMax', 'ttlMs'],
    rest: false,
  },
  'register': {
    sha1: '4e9a1923e2965b2a1329cd75b1ea33c6c73c86d2',
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
    sha1: 'd705c5a46e7f4d36a0b3bc130484c84ca66f1647',
    args: ['lock'],
    rest: false,
  },
  'remove-delayed': {
    sha1: '16d1930a46cb6aed1c781d1c8002354ef95f68da',
    args: ['second', 'item', 'now', 'ttlMs'],
    rest: false,
  },
  'remove-failed': {
    sha1: 'a3327d059d17912329a79c51c4056fe72d4f2596',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: 'ba605e89726d64019ac216f3e08178858de5a0eb',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: '5d523fdfda7fedf89f4c0881a090a1752c04dab7',
    args: ['supervisor', 'now', 'slots', 'queueCount', 'list', 'listener', 'idleMs', 'listed', 'polled', 'failedMax'],
    rest: true,
  },
  'retry-failed': {
    sha1: '3e456971ea8a025060e34e85dae5f1438d6e8187',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '91d9c357e9968b07908f64f9bcb7982f384cd030',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: '8be72756ee8d2a7682bc97f0bc2e23007130dc91',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: 'f05d92fe201727e8a4e489a08bb9ad3aed28734f',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: 'a2d3d4956152384677e5a9aedf893b2e2d4b3d3c',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: 'daa1e05fa9ffa4c09868f625114867958273fa7d',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: 'd425b01c9c5752a1f1af824a08e9a3b1f64b9f63',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: '3f4197b82bf058be199e4232ac2688b8bf8482be',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: 'df776f9ea63040783a46142b7f52a2287673c6bd',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: 'f4aa8dc2c3e7ce7edfb7b1f61ef106467ae020f4',
    args: ['id', 'now'],
    rest: false,
  },
  'run-step-begin': {
    sha1: '09cd0c9735cffc0ad56049fb30a690659e35abd5',
    args: ['id', 'index', 'job', 'attempt', 'now', 'few'],
    rest: false,
  },
  'run-stop': {
    sha1: '9c026ad20a361eed534fc4e12df90af2d03fcc16',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '03c9c64b6e5f99dd6d42af5cc2404b3fa3b921ee',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: 'fd2609fd87e6e8b57981c54bd299ede19305df11',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'failedAt', 'state', 'entry', 'failedMax', 'ttlMs', 'fields', 'output', 'extra'],
    rest: false,
  },
  'settle-batch': {
    sha1: '5e669ce51524e439fedcf9550453b7d01d6209f6',
    args: ['supervisor', 'now', 'failedMax'],
    rest: true,
  },
  'show-jobs': {
    sha1: '7bf1385421f3deb1965a7376947b4a642d2a2b0f',
    args: ['supervisor'],
    rest: true,
  },
  'skip-firings': {
    sha1: '79e7b5180308988665d2b7941bf76a4daf150792',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'next', 'count', 'reason', 'note', 'wait'],
    rest: false,
  },
  'stale-locks': {
    sha1: 'e46068f18714cc49730a1f84209c810572866fb2',
    args: [],
    rest: true,
  },
  'start-entry': {
    sha1: '6e935866513daec915d7b271beadc554b30e72fe',
    args: ['name', 'slot', 'phase', 'id', 'reason', 'note'],
    rest: false,
  },
  'sweep-limits': {
    sha1: '0d3728b852687050802fa9d8ac16246033acff00',
    args: ['count'],
    rest: false,
  },
  'sweep-tickets': {
    sha1: 'f83234d3df03b61ca1fc91c6bafc0005b8bfd65d',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: '3c8925f22f23ddcc1b453a79856763adfade8c85',
    args: ['mode', 'queue', 'class', 'item', 'newItem', 'now', 'ttlMs', 'due', 'second', 'newId', 'forms', 'max', 'first'],
    rest: true,
  },
  'take-maintenance-lock': {
    sha1: '30a1a90294cfe594aa1d509819623371c2996b70',
    args: ['duty', 'owner', 'holdMs'],
    rest: false,
  },
  'take-master-lock': {
    sha1: '58b95c2ca6dc078f5157e933953f4cb9b1490946',
    args: ['lockPrefix', 'owner', 'ttlMs', 'zone'],
    rest: false,
  },
  'wake': {
    sha1: 'c5cf15532c219f1b7d4ad0597cda58accd0600f1',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
