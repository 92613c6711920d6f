// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: '73fc5a0f4902d210a9e02abb4889c33fb9a6744d',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'limits', 'failedAt'],
    rest: false,
  },
  'archive-done': {
    sha1: 'b63de5f464cba02fa3d3bb00af727ed4278fc61e',
    args: ['owner', 'at'],
    rest: true,
  },
  'archive-release': {
    sha1: 'a6a852f5e38188bd127120b8255d5ee69c02d5f4',
    args: ['owner'],
    rest: false,
  },
  'archive-take': {
    sha1: '0cc4c6cef9cae41b7d604134bad04a8aa3b6dbff',
    args: ['owner', 'leaseMs', 'count'],
    rest: false,
  },
  'beat': {
    sha1: '2fc32751807d968a29e32720389ac7e44ba97a15',
    args: ['supervisor', 'leaseMs', 'heartbeat'],
    rest: true,
  },
  'begin': {
    sha1: 'f74ef260b0e937de36a61ddcd28174932ac7e87f',
    args: ['supervisor', 'id', 'delivery', 'once'],
    rest: false,
  },
  'begin-steps': {
    sha1: '0bcf2f2cf98b6f67c28be2111bdbd0d0b7b94a4d',
    args: ['now', 'few'],
    rest: true,
  },
  'cancel': {
    sha1: 'd7ae0f2ea65ea3b9978d521c042598432895a00c',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '070bb7650437e790862ac79a4f114f9f14d6cc79',
    args: ['queue', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'count': {
    sha1: 'f2bda823fca36380a35646b00e4cd4e1eb50b162',
    args: ['minute', 'hour', 'maxFields', 'minuteTtlMs', 'hourTtlMs'],
    rest: true,
  },
  'count-delayed': {
    sha1: '900427ef2e3c86dc6b8576eb40202b4679821dd5',
    args: ['from', 'count'],
    rest: false,
  },
  'delay': {
    sha1: '54cf4eb4e94f98200764f4a401a019ba7dbe1250',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: '5052c033ba3f442786df74f6d9bb4fe7be368f8d',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: 'a6e87ef98b2c0cfaa6bd25ea465cd98ba5b979e3',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: '91a4d35a00e14a61bb0d5cbb36bb8f9c9eafcb47',
    args: ['queue', 'now', 'ttlMs'],
    rest: true,
  },
  'entry-busy': {
    sha1: 'f1d7816e34725c79e62a5d5407f475ddec974ca2',
    args: ['name'],
    rest: false,
  },
  'find-delayed': {
    sha1: '0a8ac662969006aed4484e323a6e7d0186cdde57',
    args: ['cursor', 'item', 'queue'],
    rest: false,
  },
  'fire-entry': {
    sha1: '72318dc0729c60a94d5a4d6ef89595d0a2c3a184',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'now', 'lateMs', 'next', 'lastEnqueuedAt', 'mode', 'queue', 'item', 'options', 'class', 'id', 'ttlMs', 'unique', 'uniqueMs', 'uniqueUntil'],
    rest: false,
  },
  'lapsed': {
    sha1: '9e879c6f6a9edee86eda8f8785f86db7e3e38c05',
    args: ['count'],
    rest: false,
  },
  'memory-clear': {
    sha1: 'fb09bf3e16a34b569687d41f038713790004ff5d',
    args: ['id', 'prefix', 'ttlMs'],
    rest: false,
  },
  'memory-extend': {
    sha1: 'c25b96c906a8b5bfb4db367bf05df90fee9a4a7b',
    args: ['id', 'prefix', 'ttlMs'],
    rest: false,
  },
  'memory-read': {
    sha1: 'b1a0ed2f418f310d4928ed89a88590bf54da38cf',
    args: ['id', 'prefix', 'ttlMs', 'all', 'owners'],
    rest: true,
  },
  'memory-write': {
    sha1: '5b56becfed94e3f8ec1e716d678d5eb033b630af',
    args: ['id', 'prefix', 'ttlMs', 'job', 'node', 'values', 'by', 'expects'],
    rest: false,
  },
  'move-buckets': {
    sha1: '89a7cea49703197974dc7e256209439b8e103ae8',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: 'b95ce670ef24a43a13ad9d176eb76ad8d831b0e3',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: 'd0282ce129375b7c908d4565564ee8a43b7c975f',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: '6042d701cb1052c9e4805f4799855a7654b88f83',
    args: ['request', 'id', 'now', 'reason'],
    rest: false,
  },
  'pipeline-load': {
    sha1: '2402e0bbe60a77b1e2735258e407dda7a9f98dec',
    args: ['name', 'definition', 'kept'],
    rest: false,
  },
  'pipeline-remove': {
    sha1: 'd640b59fe483f4971a4a8a839f7dcd083498ba41',
    args: ['name'],
    rest: false,
  },
  'pipeline-request': {
    sha1: 'd76c8e73bd0f04ae105e63f421d41a76c0e8aedf',
    args: ['id', 'now', 'max', 'ttlMs'],
    rest: true,
  },
  'poll-queues': {
    sha1: 'd73260cbdea464cbfff8e0e3b496c2cf45dc7ffb',
    args: ['listed'],
    rest: true,
  },
  'queue-heads': {
    sha1: '3f4fce0fe887f93b751f0bf7331fe4fa89f4af64',
    args: [],
    rest: true,
  },
  'reclaim': {
    sha1: 'c6fddaa0f7236a95dd5af97c6a95947e2dd0e691',
    args: ['supervisor', 'now', 'failedAt', 'maxRedeliveries', 'failedMax', 'ttlMs'],
    rest: false,
  },
  'register': {
    sha1: '92542f57f9232c9b908868ace39db44d5c4c6b36',
    args: ['supervisor', 'leaseMs', 'heartbeat', 'started', 'about'],
    rest: true,
  },
  'register-entry': {
    sha1: '03f9f628f192c2af906e935aec96924346b51146',
    args: ['name', 'now', 'latest', 'enabled', 'timing'],
    rest: false,
  },
  'release-lock': {
    sha1: '7820fb20a7f16c32ad1242134dd5601d9506e6de',
    args: ['lockPrefix', 'owner'],
    rest: false,
  },
  'release-maintenance-lock': {
    sha1: '0e59578ef5e617dc1f3dc6454837400d7dbe1457',
    args: ['duty', 'owner'],
    rest: false,
  },
  'release-unique': {
    sha1: '299d8e47522e81f8708b200c225574dd7c5c482f',
    args: ['lock'],
    rest: false,
  },
  'remove-failed': {
    sha1: '7035960f45b35503d471957760a763f86e704440',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: 'c86dbb2cac1bf122bccbf317541306005c1283f6',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: '17a29f68f0035b3d39b4be34b1191fa6abbc3934',
    args: ['supervisor', 'now', 'slots', 'newId', 'list', 'listener', 'idleMs', 'listed', 'polled', 'failedMax', 'ends'],
    rest: true,
  },
  'retry-failed': {
    sha1: '9d4fc2f165dcada2b19cba3a6e54e2ea2cd68022',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '5d13257fd732d5494148da315ee31fdb5b54e175',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: '3100a0ca7f7dc076381702b5ad7105474a9bc661',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: '3106013d893688313eb9bcbd164d37d7408cf79e',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: 'bb841f0f67271cb8b8e75d657e1b7f345dc35046',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: '5408f54894fb7043bf6e93b35fb3967dc42e744d',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: '84321f6fd622a054b5b82ef0b79adebd236af5db',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: '25b62de68d641df34b013ce844a3474be9536b98',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: 'd75cfe3c394fc7840661f89ec40b986c4609acd3',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: 'b0cece86065a4b80eef729e4283de1a1f77c5f82',
    args: ['id', 'now'],
    rest: false,
  },
  'run-stop': {
    sha1: 'b24e2a4437718a59e017c1c72a39a9cfae52baa4',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '62fb22c91ccba5a30c8c6d0688b8960aabeaabd1',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: 'c297b9e54dab8a7669623045205c69302643789c',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'failedAt', 'state', 'entry', 'failedMax', 'ttlMs', 'fields', 'output', 'extra'],
    rest: false,
  },
  'settle-batch': {
    sha1: '1cf9d4b0d35a041a19c13c916afce427ebd35f09',
    args: ['supervisor', 'now', 'failedMax', 'ends'],
    rest: false,
  },
  'settle-steps': {
    sha1: '33279d799da13fe9512d0e4d5b7ef56b184b5888',
    args: ['supervisor', 'now', 'failedMax', 'ends'],
    rest: true,
  },
  'show-jobs': {
    sha1: '5c0f246cb3f247aefdbfecaefff0047ca795209e',
    args: ['supervisor'],
    rest: true,
  },
  'skip-firings': {
    sha1: '98759bf0d72f09a7850e0d44e0e24c106393ad42',
    args: ['lockPrefix', 'owner', 'name', 'slot', 'next', 'count', 'reason', 'note', 'wait'],
    rest: false,
  },
  'stale-locks': {
    sha1: '4211ca9e017341806ca80a2ceedda7bf9f666824',
    args: [],
    rest: true,
  },
  'start-entry': {
    sha1: 'bf3ceaa0d6a2857918712623d8beaf761052b68d',
    args: ['name', 'slot', 'phase', 'id', 'reason', 'note'],
    rest: false,
  },
  'sweep-ids': {
    sha1: '70957ef43d33bebd85a9a02af8c5f762094d8137',
    args: ['count'],
    rest: false,
  },
  'sweep-limits': {
    sha1: 'f82ac6c6fe1972d63d594ccb7a68d6afb542d50d',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: '1a95746b9b1fe92d0506068f9c98411c7e63731d',
    args: ['mode', 'queue', 'class', 'item', 'newItem', 'now', 'ttlMs', 'due', 'second', 'newId', 'forms', 'max', 'first'],
    rest: true,
  },
  'take-maintenance-lock': {
    sha1: '2c488b5bd8556fd4af4d160720ce59cd85dca75e',
    args: ['duty', 'owner', 'holdMs'],
    rest: false,
  },
  'take-master-lock': {
    sha1: '78d43d48269e7db36d5d60336d9743eebff417d5',
    args: ['lockPrefix', 'owner', 'ttlMs', 'zone'],
    rest: false,
  },
  'take-one-delayed': {
    sha1: '60e2bc62ff248349e36e3782d1c84ad318bc5165',
    args: ['second', 'bucketItem', 'queue', 'class', 'item', 'newId', 'now', 'ttlMs'],
    rest: false,
  },
  'wake': {
    sha1: '5e54d86dc5ba18f3019d346b63b144dd10e1cda5',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
