#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/net/environments.h"
#include "net/check_options.h"
#include "net/environments/environment_description.h"
#include "net/environments/row_queue.h"
#include "net/environments/server_session.h"
#include "net/host/link_host.h"
#include "net/quiet_log.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};
// Links in a row on which a server must have refused this host before it is believed: without TLS a bit that
// was flipped on the way can make a sound hello look like another one's.
constexpr int kBelievedRefusals = 3;

EnvironmentHostOptions checked(EnvironmentHostOptions options) {
  check_limits(options.limits);
  check_security(options.security, {});
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the host's name");
  if (options.environments < 1 || options.environments > static_cast<int>(kMostHostEnvironments)) {
    throw ArgumentError(fmt::format("a host with {} environments; expected 1 to {}", options.environments,
                                    kMostHostEnvironments));
  }
  for (const auto& [name, value] :
       {std::pair("join_timeout", options.join_timeout), std::pair("away_timeout", options.away_timeout)}) {
    if (value > Milliseconds::zero()) continue;
    throw ArgumentError(fmt::format("{} is {} ms; give at least 1 ms", name, value.count()));
  }
  return options;
}

HostOptions host_options(const EnvironmentHostOptions& options) {
  HostOptions host;
  host.who = fmt::format("host '{}'", options.name);
  host.peer = "server";
  host.connect = {options.connect};
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = options.backoff_min;
  host.backoff_max = options.backoff_max;
  return host;
}

std::vector<std::unique_ptr<Environment>> make_environments(int count, const EnvironmentFactory& factory) {
  if (!factory) throw ArgumentError("no environment factory was given");
  std::vector<std::unique_ptr<Environment>> environments;
  for (int i = 0; i < count; ++i) {
    EnvironmentContext context;
    context.index = i;
    environments.push_back(make_checked(factory(context)));
  }
  return environments;
}

/// What one frame asks.
struct Batch {
  std::vector<EnvironmentRequest> rows;
  std::vector<float> values;  // that the rows point to
};

/// What crosses from the io thread to the one that plays, under `mutex`.
struct Mailbox {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Batch> asked;
  std::uint64_t link = 0;  // counts the links that were joined; `asked` came on this one
  bool is_joined = false;
  Clock::time_point away_since = Clock::now();
  std::string last_failure;
  std::optional<std::string> ended;      // the run is over, and why
  std::optional<RefuseMessage> refusal;  // that is believed
};

}  // namespace

class EnvironmentHost::Impl final : private LinkHostOwner, private ServerSessionOwner {
 public:
  Impl(EnvironmentHostOptions options, const EnvironmentFactory& factory)
      : options_(checked(std::move(options))),
        environments_(make_environments(options_.environments, factory)),
        sizes_(environment_sizes(environments_.front()->spec())),
        hello_(make_hello()),
        host_(host_options(options_), *this) {}

  ~Impl() override { host_.shut_down("the host of environments was destroyed"); }

  std::string run(const std::function<bool(const EnvironmentHostProgress&)>& keep_going) {
    if (std::exchange(ran_, true))
      throw ArgumentError("EnvironmentHost::run() was already called; make a new EnvironmentHost");
    host_.start();
    try {
      const std::string reason = play(keep_going);
      host_.stop(reason);
      return reason;
    } catch (const std::exception& error) {
      host_.stop(fmt::format("the host failed: {}", error.what()));
      throw;
    }
  }

 private:
  EnvironmentHello make_hello() const {
    EnvironmentHello hello;
    hello.name = options_.name;
    hello.library = std::string("genkidama ") + kVersion;
    hello.environments = environments_.size();
    hello.environment = describe_environment(environments_.front()->spec());
    for (const auto& each : environments_) {
      if (const auto different = environment_difference(hello.environment, "in the first one",
                                                        describe_environment(each->spec()), "in another")) {
        throw ArgumentError(
            fmt::format("the environments of a host differ: {}; expected the same from every call of the "
                        "factory",
                        *different));
      }
    }
    return hello;
  }

  // The thread that plays.

  std::string play(const std::function<bool(const EnvironmentHostProgress&)>& keep_going) {
    std::vector<Batch> batches;
    while (true) {
      std::uint64_t link = 0;
      {
        std::unique_lock lock(mailbox_.mutex);
        mailbox_.changed.wait_for(
            lock, kSlice, [this] { return !mailbox_.asked.empty() || mailbox_.ended || mailbox_.refusal; });
        if (mailbox_.ended) return *mailbox_.ended;
        check_server();
        batches.clear();
        batches.swap(mailbox_.asked);
        link = mailbox_.link;
        progress_.is_joined = mailbox_.is_joined;
        progress_.joined = link;
      }
      answer(batches, link);
      if (keep_going && !keep_going(progress_)) return "the host's program ended it";
    }
  }

  /// With the mailbox locked.
  void check_server() const {
    if (mailbox_.refusal) {
      throw IoError(fmt::format("the server at {} refuses this host: {}", options_.connect.text(),
                                mailbox_.refusal->reason));
    }
    if (mailbox_.is_joined) return;
    const bool was_joined = mailbox_.link > 0;
    const Milliseconds limit = was_joined ? options_.away_timeout : options_.join_timeout;
    if (Clock::now() - mailbox_.away_since < limit) return;
    const double seconds = static_cast<double>(limit.count()) / 1000;
    throw IoError(was_joined ? fmt::format("the server at {} has been away for {:g} s: {}",
                                           options_.connect.text(), seconds, mailbox_.last_failure)
                             : fmt::format("no link to the server at {} within {:g} s: {}",
                                           options_.connect.text(), seconds, mailbox_.last_failure));
  }

  /// Plays what all these frames ask, and answers in one frame.
  void answer(const std::vector<Batch>& batches, std::uint64_t link) {
    if (batches.empty()) return;
    // Environments that one process serves play their steps together.
    for (const Batch& batch : batches) {
      for (const EnvironmentRequest& row : batch.rows) {
        if (!row.is_reset) environments_[row.environment]->prepare_step(row.action);
      }
    }
    RowQueue rows(most_environment_rows(answer_row_bytes(sizes_)));
    std::vector<std::uint16_t> environments;
    for (const Batch& batch : batches) {
      ++progress_.frames;
      for (const EnvironmentRequest& row : batch.rows) {
        rows.add(play(row));
        environments.push_back(row.environment);
      }
    }
    GENKIDAMA_FAILPOINT("host_before_answer");
    std::vector<std::vector<std::byte>> frames;
    while (!rows.is_empty()) frames.push_back(rows.take({}));
    host_.post([this, link, frames = std::move(frames), environments = std::move(environments)]() mutable {
      if (current_ == nullptr || current_link_ != link) return;
      // The server may ask again as soon as it has the answer.
      current_->answered(environments);
      current_->send(std::move(frames));
    });
  }

  EnvironmentAnswer play(const EnvironmentRequest& row) {
    Environment& environment = *environments_[row.environment];
    EnvironmentAnswer answer;
    answer.environment = row.environment;
    answer.ticket = row.ticket;
    answer.is_reset = row.is_reset;
    if (row.is_reset) {
      answer.observation = environment.reset(row.seed);
      answer.mask = environment.action_mask();
      ++progress_.resets;
      return answer;
    }
    const StepResult result = environment.step(row.action);
    answer.lost = result.lost;
    if (result.lost) return answer;
    answer.terminated = result.terminated;
    answer.truncated = result.truncated;
    answer.reward = result.reward;
    answer.observation = result.observation;
    if (answer.terminated || answer.truncated) answer.metrics = result.metrics;
    if (!answer.terminated) answer.mask = environment.action_mask();
    ++progress_.steps;
    return answer;
  }

  // The io thread.

  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override {
    ServerSessionOwner& owner = *this;
    return std::make_shared<ServerSession>(owner, host_, connection);
  }
  void connection_refused(const asio::ip::address&, const std::string&) override {}
  void dial_failed(const std::string& reason) override {
    note_failure(reason);
    const LogLevel level = std::exchange(has_told_failure_, true) ? LogLevel::kDebug : LogLevel::kInfo;
    log(level, "host '{}': {}; it goes on trying", options_.name, reason);
  }

  const EnvironmentHello& hello() const override { return hello_; }
  const EnvironmentSizes& sizes() const override { return sizes_; }
  const LinkLimits& limits() const override { return options_.limits; }

  void note_failure(const std::string& reason) {
    const std::lock_guard lock(mailbox_.mutex);
    mailbox_.last_failure = reason;
  }

  void session_joined(ServerSession& session, const WelcomeMessage& welcome) override {
    current_ = &session;
    has_told_failure_ = false;
    refusals_in_a_row_ = 0;
    {
      const std::lock_guard lock(mailbox_.mutex);
      current_link_ = ++mailbox_.link;
      mailbox_.is_joined = true;
      mailbox_.asked.clear();
    }
    log(LogLevel::kInfo, "host '{}': joined '{}' with {} environments", options_.name, welcome.name,
        environments_.size());
  }

  void session_asked(std::vector<EnvironmentRequest> rows, std::vector<float> values) override {
    {
      const std::lock_guard lock(mailbox_.mutex);
      mailbox_.asked.push_back({std::move(rows), std::move(values)});
    }
    mailbox_.changed.notify_one();
  }

  void session_ended(const std::string& reason) override {
    {
      const std::lock_guard lock(mailbox_.mutex);
      mailbox_.ended = reason;
    }
    mailbox_.changed.notify_one();
  }

  bool session_refused(const RefuseMessage& refusal) override {
    note_failure(refusal.reason);
    const bool is_believed = refusal.code == RefusalCode::kProtocol || refusal.code == RefusalCode::kLayout;
    if (!is_believed || ++refusals_in_a_row_ < kBelievedRefusals) {
      warnings_.warn(fmt::format("host '{}': the server at {} refused this host ({}), and is asked again: {}",
                                 options_.name, options_.connect.text(), refusal_code_text(refusal.code),
                                 refusal.reason));
      return false;
    }
    {
      const std::lock_guard lock(mailbox_.mutex);
      mailbox_.refusal = refusal;
    }
    mailbox_.changed.notify_one();
    host_.stop_dialling();
    return true;
  }

  void session_closed(ServerSession& session, const std::string& reason) override {
    const bool was_joined = std::exchange(current_, current_ == &session ? nullptr : current_) == &session;
    try {
      {
        const std::lock_guard lock(mailbox_.mutex);
        mailbox_.last_failure = reason;
        if (was_joined) {
          mailbox_.is_joined = false;
          mailbox_.asked.clear();
          mailbox_.away_since = Clock::now();
        }
      }
      if (was_joined && !host_.ending()) {
        log(LogLevel::kInfo, "host '{}': the link is gone: {}", options_.name, reason);
      } else if (session.fault() != PeerFault::kNone && !host_.ending()) {
        warnings_.warn(fmt::format("host '{}': no link to the server at {}: {}", options_.name,
                                   options_.connect.text(), reason));
      }
    } catch (const std::exception&) {
      // Out of memory: it goes without a word.
    }
  }

  const EnvironmentHostOptions options_;
  const std::vector<std::unique_ptr<Environment>> environments_;
  const EnvironmentSizes sizes_;
  const EnvironmentHello hello_;
  Mailbox mailbox_;
  EnvironmentHostProgress progress_;  // of the thread that plays
  bool ran_ = false;

  // The io thread's.
  ServerSession* current_ = nullptr;
  std::uint64_t current_link_ = 0;
  int refusals_in_a_row_ = 0;
  bool has_told_failure_ = false;  // since it was joined
  QuietLog warnings_;

  LinkHost host_;  // the last: its thread uses the others
};

EnvironmentHost::EnvironmentHost(EnvironmentHostOptions options, const EnvironmentFactory& factory)
    : impl_(std::make_unique<Impl>(std::move(options), factory)) {}
EnvironmentHost::~EnvironmentHost() = default;

std::string EnvironmentHost::run(const std::function<bool(const EnvironmentHostProgress&)>& keep_going) {
  return impl_->run(keep_going);
}

}  // namespace genkidama
