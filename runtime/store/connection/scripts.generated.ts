// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: '63be37165f70a4462a552e8d15e69588e599bf4e',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'permits', 'failedAt'],
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
  'cancel': {
    sha1: '2d30edac10734e26a627840c693b8ada8a363130',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '75534134f1ba1f3710d9250839334c41101ae2bd',
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
    sha1: '3b5f36f556e2a635003d06533c320b6a0386258c',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: '55e43c3ec838c6526d7fddc5d101188fc95aa58e',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: 'a6e87ef98b2c0cfaa6bd25ea465cd98ba5b979e3',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: '2979d4d4696b10850f6d10bb3e91d9bba7d95988',
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
    sha1: '8afe8690a85bec71b97ca6eada480f79effa5e5c',
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
    sha1: 'bb62ebb0eb595aff8576ab31778e0ec845f09e98',
    args: ['id', 'prefix', 'ttlMs', 'job', 'node', 'values', 'by', 'expects'],
    rest: false,
  },
  'move-buckets': {
    sha1: 'de6332f95066ea034add620e587b6984974195eb',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: '7571fe63478f84774616c08b5aaef15e1a595f54',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: 'd0282ce129375b7c908d4565564ee8a43b7c975f',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: '3be1876136581ea92b289422fa0124cdda0cc9e0',
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
  'queue-heads': {
    sha1: '3f4fce0fe887f93b751f0bf7331fe4fa89f4af64',
    args: [],
    rest: true,
  },
  'reclaim': {
    sha1: '498085a8d208cd7ea7f8dbe943e7be2ac9b40472',
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
  'remove-delayed': {
    sha1: '4b279e5baae182baa7dcf53e54a0150f7dbb01b7',
    args: ['second', 'item', 'now', 'ttlMs'],
    rest: false,
  },
  'remove-failed': {
    sha1: '7035960f45b35503d471957760a763f86e704440',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: '19ccf2fc99ce8c58496a115a9ec27414c6526ceb',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: '5c898c45c0d7dc2c71a6da11f209856e9705b566',
    args: ['supervisor', 'now', 'slots', 'newId', 'list', 'listener', 'idleMs', 'listed', 'polled', 'failedMax', 'ends'],
    rest: true,
  },
  'retry-failed': {
    sha1: 'ed59b6dd954d77f72ff615d090e40522eb4e443d',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '5d13257fd732d5494148da315ee31fdb5b54e175',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: '629b130bf0152b45db94cb86fe6fc49ff2224c48',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: 'c01b791608c4a974e7446607c615d190b248a7fc',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: '66c1c873f781052188b45b4af4fd8b95dc344bf4',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: '5408f54894fb7043bf6e93b35fb3967dc42e744d',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: '0e0803066504fb3b9ea2cea94ccee938f6c1b548',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: '77091528e135b8dc6c2b20755e244601bab77bc0',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: 'bf8e407908c1ed401d3d7adc450707735c6d1114',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: '69dfbddb27f4eec65f6cca5e47b45b3520221795',
    args: ['id', 'now'],
    rest: false,
  },
  'run-step-begin': {
    sha1: '8b1821be3556eafa41e51ebddb1d35b4c7f99750',
    args: ['id', 'index', 'job', 'attempt', 'now', 'few'],
    rest: false,
  },
  'run-stop': {
    sha1: '801f520b6024a9b25756c21a5f66b2d3688ebf31',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '62fb22c91ccba5a30c8c6d0688b8960aabeaabd1',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: 'acacdf91ddf2c2745628a05e4014539490134836',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'failedAt', 'state', 'entry', 'failedMax', 'ttlMs', 'fields', 'output', 'extra'],
    rest: false,
  },
  'settle-batch': {
    sha1: '25d5d33faa421af0198bebd81397761b14bd33d0',
    args: ['supervisor', 'now', 'failedMax', 'ends'],
    rest: false,
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
  'sweep-limits': {
    sha1: 'f5f36dce787d34cd2787c89c871e8694fd03612f',
    args: ['count'],
    rest: false,
  },
  'sweep-tickets': {
    sha1: '7a0aab7fa13b0e7218a4e48c4630078721e14d7c',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: '3ed05f6b6323efc778475d7aa10385901e8d046e',
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
  'wake': {
    sha1: 'a22febc2c7d046f45c19f811d05c8b7bc8437110',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
