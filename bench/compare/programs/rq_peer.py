# RQ: `python3 rq_peer.py produce`, or `python3 rq_peer.py work fresh|inline`. The same producer as produce.mjs, and the same jobs.
import base64
import json
import os
import sys
import time
from datetime import timedelta

import redis
import rq

ends = None


def note(mark, payload=""):
    global ends
    if ends is None:
        ends = os.open(os.environ["BENCH_ENDS"], os.O_WRONLY | os.O_APPEND)
    os.write(ends, ("%-20s %-20s\n" % (mark, time.monotonic_ns())).encode())


def stay(mark="", payload=""):
    note("stay")
    time.sleep(60)


def text(size):
    return base64.b64encode(os.urandom(size * 3 // 4)).decode()


def produce(queue):
    def one(count, kind="note", bytes=0):
        payload = text(bytes)
        for n in range(count):
            queue.enqueue("rq_peer." + kind, str(n), payload)

    def bulk(count, kind="note", bytes=0):
        payload = text(bytes)
        batch = max(1, min(1000, 5_000_000 // max(1, bytes)))
        for start in range(0, count, batch):
            marks = range(start, min(start + batch, count))
            queue.enqueue_many([rq.Queue.prepare_data("rq_peer." + kind, (str(n), payload)) for n in marks])

    def wake():
        queue.enqueue("rq_peer.note", str(time.monotonic_ns()))

    def delay(count, fromMs, toMs):
        for n in range(count):
            wait = round(fromMs + (toMs - fromMs) * n / count)
            due = time.monotonic_ns() + wait * 1_000_000
            queue.enqueue_in(timedelta(milliseconds=wait), "rq_peer.note", str(due))

    def flow(steps):
        jobs = queue.enqueue_many([rq.Queue.prepare_data("rq_peer.note", ("step",)) for _ in range(steps)])
        queue.enqueue("rq_peer.note", "last", depends_on=jobs)

    does = {"one": one, "bulk": bulk, "wake": wake, "delay": delay, "flow": flow}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        started = time.monotonic_ns()
        try:
            does[order.pop("what")](**order)
            print(json.dumps({"startedNs": str(started), "ms": (time.monotonic_ns() - started) / 1e6}), flush=True)
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)


def work(queue, mode):
    # The forked processes find what the jobs need already imported.
    import rq_peer  # noqa: F401

    worker = (rq.Worker if mode == "fresh" else rq.SimpleWorker)([queue], connection=queue.connection)
    worker.work(logging_level="WARNING", with_scheduler=True)


if __name__ == "__main__":
    queue = rq.Queue("bench", connection=redis.Redis.from_url(os.environ["BENCH_URL"]))
    if sys.argv[1] == "work":
        work(queue, sys.argv[2])
    else:
        produce(queue)
