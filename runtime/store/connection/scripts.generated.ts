// Made by script/build-lua.ts from runtime/store/lua; do not edit.
export const scripts = {
  'acquire': {
    sha1: 'fd621e5cfe98fb880be2102adf8ee697aef551c5',
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
    sha1: '4e11a337e8aa14c661554d9200ac0ef822244180',
    args: ['now', 'few'],
    rest: true,
  },
  'cancel': {
    sha1: 'e9e4702db5d6946a174db29efb3359823d802313',
    args: ['id', 'now', 'ttlMs', 'byStop'],
    rest: false,
  },
  'clear-queue': {
    sha1: '952d2503e4805b2ad7343ea0e5bd6c50833eb2de',
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
    sha1: '3fbce8c7b38e43782cfc84d3413357948082ebde',
    args: ['now', 'ttlMs'],
    rest: true,
  },
  'dequeue': {
    sha1: '742063d5cd989cb37b3710ba57c0d34a94008b0f',
    args: ['queue', 'item', 'max', 'now', 'ttlMs'],
    rest: false,
  },
  'describe': {
    sha1: 'a6e87ef98b2c0cfaa6bd25ea465cd98ba5b979e3',
    args: ['supervisor', 'about'],
    rest: false,
  },
  'enqueue': {
    sha1: '926d590fcf07de9f42ff084e29c4449d98e7c1e2',
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
    sha1: 'b33095cad6affc2081148c56f6bc9e1106f3e6e5',
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
    sha1: '256ea8cda5f6c79733cd167bd53a5bb259c0aacd',
    args: ['lockPrefix', 'owner', 'now', 'batch', 'ttlMs', 'failedAt', 'failedMax', 'routes'],
    rest: false,
  },
  'move-due': {
    sha1: 'bdf89e4a6f2c6439f8143e6418f005a85a694aea',
    args: ['now', 'batch', 'ttlMs', 'mover', 'failedAt', 'failedMax'],
    rest: false,
  },
  'note-job': {
    sha1: 'd0282ce129375b7c908d4565564ee8a43b7c975f',
    args: ['id'],
    rest: true,
  },
  'pipeline-decide': {
    sha1: '82d6d7de1ccc3712feda203291ddc6dee4ed7c02',
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
    sha1: 'cbbcea3efbfef1627c16504300f54196300c7e9f',
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
    sha1: '0620a17141ad26a68e18e8659026ec7277229081',
    args: ['second', 'item', 'now', 'ttlMs'],
    rest: false,
  },
  'remove-failed': {
    sha1: '7035960f45b35503d471957760a763f86e704440',
    args: [],
    rest: true,
  },
  'requeue': {
    sha1: '921a57012cecf58c3288a89955bfa5dfa9f74c6b',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'dueAt', 'counted', 'fields', 'ttlMs', 'failedAt'],
    rest: false,
  },
  'reserve': {
    sha1: 'ab8944e252dcbc77b6bc9ae9bb8577a250aa7381',
    args: ['supervisor', 'now', 'slots', 'newId', 'list', 'listener', 'idleMs', 'listed', 'polled', 'failedMax', 'ends'],
    rest: true,
  },
  'retry-failed': {
    sha1: 'f6cd6cc094b8f9b4cb6355db805333a795ef39d1',
    args: ['index', 'digest', 'id', 'queue', 'item', 'retriedAt', 'newId', 'now', 'ttlMs', 'take'],
    rest: false,
  },
  'run-commit': {
    sha1: '5d13257fd732d5494148da315ee31fdb5b54e175',
    args: ['id', 'class', 'now', 'unique'],
    rest: true,
  },
  'run-continue': {
    sha1: 'eb6efa80fa1f1bf468300b768f7fdba432667661',
    args: ['now'],
    rest: false,
  },
  'run-destroy': {
    sha1: '3106013d893688313eb9bcbd164d37d7408cf79e',
    args: ['id'],
    rest: false,
  },
  'run-expire': {
    sha1: '885680e1dee9e075404a362433d7091f92ffcaa9',
    args: ['id', 'now', 'ttlMs'],
    rest: false,
  },
  'run-index': {
    sha1: '5408f54894fb7043bf6e93b35fb3967dc42e744d',
    args: ['count', 'status', 'class'],
    rest: true,
  },
  'run-node': {
    sha1: '55da1cd4c2f5895a93b82f40c4f69a71ccf5694c',
    args: ['id', 'index', 'now', 'verb'],
    rest: false,
  },
  'run-recover': {
    sha1: '89ea89ea7acd2e8b72ed534589db87fae1d1fdde',
    args: ['id', 'now'],
    rest: true,
  },
  'run-resume': {
    sha1: '12f60303f27ddaad39e39d213d27b84558d36aa2',
    args: ['id', 'now'],
    rest: false,
  },
  'run-start': {
    sha1: '9d4c3a101ece7dde9d767d0e7dd289aeb023a334',
    args: ['id', 'now'],
    rest: false,
  },
  'run-stop': {
    sha1: '20b63b5f9c31557dc90b3f698104dbfe028da9ca',
    args: ['id', 'now'],
    rest: false,
  },
  'run-sweep': {
    sha1: '62fb22c91ccba5a30c8c6d0688b8960aabeaabd1',
    args: ['now'],
    rest: false,
  },
  'settle': {
    sha1: '2a1ec20dcfbd600fa4cd716e0fa1eacfb0757184',
    args: ['supervisor', 'worker', 'id', 'delivery', 'now', 'failedAt', 'state', 'entry', 'failedMax', 'ttlMs', 'fields', 'output', 'extra'],
    rest: false,
  },
  'settle-batch': {
    sha1: '1fb0031b07ba0a18f3373a5fffcd5f0e0efd2a61',
    args: ['supervisor', 'now', 'failedMax', 'ends'],
    rest: false,
  },
  'settle-steps': {
    sha1: '5aa3450a8638f2fc0dbd1874d613afc32d4bc499',
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
    sha1: 'a51864f639a15faee2142321bc114ef126436445',
    args: ['count'],
    rest: false,
  },
  'take-delayed': {
    sha1: '1480f12916a1a5ea73cb40d0a42c9c97fb93f549',
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
    sha1: '5e54d86dc5ba18f3019d346b63b144dd10e1cda5',
    args: ['queue', 'count'],
    rest: false,
  },
} as const
