# Sidekiq: `ruby sidekiq_peer.rb`, the same producer as produce.mjs; `sidekiq -r ./sidekiq_peer.rb` runs the same jobs.
require "json"
require "sidekiq"

url = {url: ENV.fetch("BENCH_URL")}
Sidekiq.logger.level = Logger::WARN
Sidekiq.configure_client { |config| config.redis = url }
Sidekiq.configure_server do |config|
  config.redis = url
  config.options[:poll_interval_average] = 1
end

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)

def note(mark)
  $ends ||= File.open(ENV.fetch("BENCH_ENDS"), "a")
  $ends.syswrite(format("%-20s %-20s\n", mark, now))
end

class Note
  include Sidekiq::Worker
  sidekiq_options queue: "bench"
  def perform(mark, _payload) = note(mark)
end

class Stay
  include Sidekiq::Worker
  sidekiq_options queue: "bench"
  def perform(_mark, _payload)
    note("stay")
    sleep 60
  end
end

def answer(order)
  payload = [Random.bytes(order.fetch("bytes", 0) * 3 / 4)].pack("m0")
  count = order["count"]
  job = order["kind"] == "stay" ? Stay : Note
  case order["what"]
  when "one"
    count.times { |n| job.perform_async(n.to_s, payload) }
  when "bulk"
    (0...count).each_slice((5_000_000 / [1, payload.size].max).clamp(1, 1000)) do |marks|
      Sidekiq::Client.push_bulk("class" => job, "args" => marks.map { |n| [n.to_s, payload] })
    end
  when "wake" then Note.perform_async(now.to_s, "")
  when "delay"
    count.times do |n|
      wait = (order["fromMs"] + (order["toMs"] - order["fromMs"]) * n / count.to_f).round
      Note.perform_in(wait / 1000.0, (now + wait * 1_000_000).to_s, "")
    end
  end
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  puts JSON.generate(ready: true)
  $stdin.each_line do |line|
    started = now
    begin
      answer(JSON.parse(line))
      puts JSON.generate(startedNs: started.to_s, ms: (now - started) / 1e6)
    rescue => error
      puts JSON.generate(error: error.inspect)
    end
  end
end
