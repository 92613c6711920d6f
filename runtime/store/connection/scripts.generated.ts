// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: '2242cd088a08d1986908dccd00ee2e21e784096f',
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
    sha1: '83e0ac78ec611141eb33065d816f56dde74a12bf',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '131a62f97322e4eb51dbfc95d7c6c7ee3a72b698',
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
    sha1: 'e73446807da8cac4323ef6e540318053f4f3acb2',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: 'a5ee32a8dad863fadc2addd3afd3c4c7a327ac59',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: '1d2d3f162e7aad14d8d56d2311b3d61385ed99b4',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: 'c5604b99383f820bf6cb6b9f034673fe42a9b295',
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
    sha1: 'b4b496f2015f054b0cd1e6bfc293a9e01a875dd6',
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
    sha1: 'd6b01b1c1d075765e1fe90c11d85a797769a2cb9',
    args: ['id', 'prefix', 'ttlMs'],
    rest: false,
  },
  'memory-read': {
    sha1: '6ac772671d84ce4ddc4181b3f32e09feee45f199',
    args: ['id', 'prefix', 'ttlMs', 'all', 'owners'],
    rest: true,
  },
  'memory-write': {
    sha1: 'c54fd6054275d05d17b0cf560135c2940f74c345',
    args: ['id', 'prefix', 'ttlMs', 'job', 'node', 'values', 'by', 'expects'],
    rest: false,
  },
  'move-buckets': {
    sha1: 'fb584534a3744590d8ab329669a2ce02f64b914b',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: 'c3316a0fc81348eac3b9748a45d01b2f4e6c7081',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: 'b08182d1d6586bcbad8f09e466ac974589784ae2',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: '09185ef5ed1b9f9bbdc69af117345fa223f33fa0',
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
    sha1: '8c36d86cec4af564a74b47f0c070ea3a997d3c66',
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
    sha1: 'a25c91071e7a3210c41d56ac58b8b194fbb9ddab',
    args: ['second', 'item', 'now', 'ttlMs'],
    rest: false,
  },
  'remove-failed': {
    sha1: 'a3327d059d17912329a79c51c4056fe72d4f2596',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: 'f4337964ae7a3fed1fd34aa4f210e7ac7e640c67',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: '35c7462c1f539ebad707fbffccb26c1a09979cef',
    args: ['supervisor', 'now', 'slots', 'queueCount', 'list', 'listener', 'idleMs', 'listed', 'polled', 'failedMax'],
    rest: true,
  },
  'retry-failed': {
    sha1: '933f12e467cfbe395d778f2aabd15f66fba4d59d',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '91d9c357e9968b07908f64f9bcb7982f384cd030',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: '799cea01d502cee74e044911b572c5f9ec67fb91',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: '08918d6d44d06cfbadc67489a8407a2a5d3ed1c6',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: '22ca9afdd1ab582e3882304a1bc881ed30da8fca',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: 'daa1e05fa9ffa4c09868f625114867958273fa7d',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: '84a923917dc57f80648e7f8e2d455fe69625a37f',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: 'c0e179687be05338229ed7cd7320a46e5d688189',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: 'c0d9238f6f7b88948869828e3fc2bec3fb401a9c',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: '82bd0be0f339a624dacd531c9ea666862c38bafe',
    args: ['id', 'now'],
    rest: false,
  },
  'run-step-begin': {
    sha1: 'b99fa12b6289637a52973c8d16e4f0c5e23997c5',
    args: ['id', 'index', 'job', 'attempt', 'now', 'few'],
    rest: false,
  },
  'run-stop': {
    sha1: '95992dcfa9357ec25f821b7fced29bfcfcf3333a',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '03c9c64b6e5f99dd6d42af5cc2404b3fa3b921ee',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: '181073f96c5613fade04591a6b60ce7dce40156d',
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
    sha1: '3de71d8e577f240f77eda13cf249472e34d014cb',
    args: ['count'],
    rest: false,
  },
  'sweep-tickets': {
    sha1: 'eb1ed29ff63f80a7a238ab6004818f400c39e3d5',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: 'f1526643bebea707e75fc25fca14cce4043e64a3',
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
    sha1: '710e2b96d2fa0ef44c0a9364e7b93eda367be896',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
