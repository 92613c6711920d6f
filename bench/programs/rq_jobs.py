# RQ: puts jobs on a queue (python3 rq_jobs.py PORT COUNT), and the job itself.
import sys


def empty():
    pass


if __name__ == "__main__":
    from redis import Redis
    from rq import Queue

    queue = Queue("bench", connection=Redis(port=int(sys.argv[1])))
    queue.enqueue_many([Queue.prepare_data("rq_jobs.empty", result_ttl=600) for _ in range(int(sys.argv[2]))])
