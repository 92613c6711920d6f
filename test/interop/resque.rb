# Resque's own command sequences (resque 2.x, resque-scheduler 4.x), with Debian's ruby and ruby-redis, without those gems.
#   ruby resque.rb SOCKET produce | schedule | work
require 'json'
require 'redis'
require 'time'

socket, role = ARGV
R = Redis.new(path: socket)
def k(name) = "resque:#{name}"

case role
when 'produce' # Resque.enqueue, Resque.enqueue_at
  item = JSON.generate('class' => 'AddJob', 'args' => [1, 2])
  R.sadd(k('queues'), ['math'])
  R.rpush(k('queue:math'), item)
  at = Time.now.to_i - 1
  delayed = JSON.generate('class' => 'AddJob', 'args' => [3, 4], 'queue' => 'math')
  R.rpush(k("delayed:#{at}"), delayed)
  R.sadd(k("timestamps:#{delayed}"), ["delayed:#{at}"])
  R.zadd(k('delayed_queue_schedule'), at, at)
when 'dequeue' # Resque.dequeue: exact bytes
  puts R.lrem(k('queue:math'), 0, JSON.generate('class' => 'AddJob', 'args' => [5, 6]))
when 'schedule' # handle_delayed_items, enqueue_next_item
  while (at = R.zrangebyscore(k('delayed_queue_schedule'), '-inf', Time.now.to_i, limit: [0, 1]).first)
    while (text = R.lpop(k("delayed:#{at}")))
      R.srem(k("timestamps:#{text}"), ["delayed:#{at}"])
      item = JSON.parse(text)
      R.sadd(k('queues'), [item['queue']])
      R.rpush(k("queue:#{item['queue']}"), JSON.generate('class' => item['class'], 'args' => item['args']))
    end
    R.del(k("delayed:#{at}"))
    R.zrem(k('delayed_queue_schedule'), at)
  end
when 'work' # Resque::Worker#work, working_on, done_working, Failure::Redis.save
  name = "host:#{Process.pid}:math"
  R.sadd(k('workers'), [name])
  R.set(k("worker:#{name}:started"), Time.now.to_s)
  while (text = R.lpop(k('queue:math')))
    payload = JSON.parse(text)
    R.set(k("worker:#{name}"), JSON.generate(queue: 'math', run_at: Time.now.utc.iso8601, payload: payload))
    begin
      puts payload['args'].sum
    rescue StandardError => e
      R.rpush(k('failed'), JSON.generate(
        failed_at: Time.now.strftime('%Y/%m/%d %H:%M:%S %Z'), payload: payload, exception: e.class.to_s,
        error: e.message, backtrace: e.backtrace, worker: name, queue: 'math'
      ))
      R.incr(k('stat:failed'))
    end
    R.incr(k('stat:processed'))
    R.del(k("worker:#{name}"))
  end
  R.srem(k('workers'), [name])
  R.del(k("worker:#{name}:started"))
end
