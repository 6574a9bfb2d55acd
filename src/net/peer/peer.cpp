#include "genkidama/net/peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <exception>
#include <random>
#include <utility>

#include "core/failpoint.h"
#include "core/fnv1a.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/protocol.h"
#include "genkidama/wire/statistics.h"
#include "net/check_options.h"
#include "net/hello_size.h"
#include "net/host/link_host.h"
#include "net/host/quarantine.h"
#include "net/peer/peer_board.h"
#include "net/peer/peer_session.h"
#include "net/peer_difference.h"
#include "net/quiet_log.h"
#include "net/span_text.h"
#include "net/try_log.h"

namespace genkidama {
namespace {

constexpr std::array kFlows = {std::pair(PeerFlow::kBoth, "both"), std::pair(PeerFlow::kSends, "sends"),
                               std::pair(PeerFlow::kReceives, "receives")};
constexpr const char* kPeersExchange = "peers";
constexpr const char* kSecondLink = "there is another link of the same two peers";
constexpr std::size_t kMaxHandshakes = 256;
constexpr Milliseconds kLongestQuarantine{3'600'000};
// Links in a row on which neighbours must have refused this peer before that is believed: without TLS a bit
// that was flipped on the way can make a sound hello look like another one's.
constexpr int kBelievedRefusals = 3;
// Machines that are started together meet sooner.
constexpr Milliseconds kQuietJoining{3'000};

PeerOptions checked(PeerOptions options) {
  check_limits(options.limits);
  const std::vector<Endpoint> listen(options.listen ? 1 : 0, options.listen.value_or(Endpoint{}));
  check_security(options.security, listen);
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the peer's name");
  if (!options.listen && options.neighbours.empty())
    throw ArgumentError("a peer needs neighbours; give at least one in neighbours, or an endpoint in listen");
  if (options.neighbours.size() > PeerBoard::kMostNeighbours) {
    throw ArgumentError(fmt::format("neighbours has {} entries; at most {} are possible",
                                    options.neighbours.size(), PeerBoard::kMostNeighbours));
  }
  for (std::size_t i = 0; i < options.neighbours.size(); ++i) {
    const PeerNeighbour& each = options.neighbours[i];
    check_dialled(each.endpoint, "neighbours:");
    if (needs_undirected(options.rule) && each.flow != PeerFlow::kBoth) {
      throw ArgumentError(
          fmt::format("the rule is '{}', for which both ends of a link send, and on that to {} this peer "
                      "only {}; choose 'both', "
                      "or the rule 'gala' or 'push-sum'",
                      mixing_name(options.rule), each.endpoint.text(), flow_name(each.flow)));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (options.neighbours[j].endpoint.text() == each.endpoint.text())
        throw ArgumentError(fmt::format("neighbours names {} twice; name each once", each.endpoint.text()));
    }
  }
  if (options.first_neighbours > PeerBoard::kMostNeighbours) {
    throw ArgumentError(fmt::format("first_neighbours is {}; expected at most {}", options.first_neighbours,
                                    PeerBoard::kMostNeighbours));
  }
  if (options.max_staleness < 1) throw ArgumentError("max_staleness is 0; give at least 1 round");
  if (options.overlap && options.rule != MixingRule::kPairs) {
    throw ArgumentError(fmt::format("overlap is set and the rule is '{}'; leave overlap out, or choose '{}'",
                                    mixing_name(options.rule), mixing_name(MixingRule::kPairs)));
  }
  if (options.round_number > kMaxJsonInteger)
    throw ArgumentError("round_number is not what a PeerProgress told: it is above 2^53-1");
  check_rate(options.max_norm_growth, "max_norm_growth");
  for (const auto& [name, value] : {std::pair("join_timeout", options.join_timeout),
                                    std::pair("exchange_timeout", options.exchange_timeout)}) {
    if (value <= Milliseconds::zero())
      throw ArgumentError(fmt::format("{} is {} ms; give at least 1 ms", name, value.count()));
  }
  if (options.quarantine < Milliseconds::zero())
    throw ArgumentError(fmt::format("quarantine is {} ms; give 0 or more", options.quarantine.count()));
  return options;
}

HostOptions host_options(const PeerOptions& options) {
  HostOptions host;
  host.who = fmt::format("peer '{}'", options.name);
  host.peer = "neighbour";
  if (options.listen) host.listen = {*options.listen};
  for (const PeerNeighbour& each : options.neighbours) host.connect.push_back(each.endpoint);
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = options.backoff_min;
  host.backoff_max = options.backoff_max;
  host.max_pending = kMaxHandshakes;
  return host;
}

MixerOptions mixer_options(const PeerOptions& options) {
  MixerOptions mixer;
  mixer.rule = options.rule;
  mixer.max_staleness = options.max_staleness;
  mixer.overlap = options.overlap;
  mixer.seed = derive_seed(options.seed, {fnv1a(std::as_bytes(std::span(options.name)))});
  return mixer;
}

std::uint64_t draw_instance() {
  std::random_device device;
  const std::uint64_t drawn = (std::uint64_t{device()} << 32) ^ device();
  return (drawn & kMaxJsonInteger) | 1U;
}

HelloMessage first_hello(const PeerOptions& options, const LocalTrainer& trainer, std::uint64_t instance) {
  HelloMessage hello;
  const NumberedStatistics own = trainer.own_statistics();
  hello.statistics = own.statistics.components();
  hello.stream = own.stream;
  hello.name = options.name;
  hello.library = std::string("genkidama ") + kVersion;
  hello.layout = trainer.layout();
  hello.policy = trainer.policy_description();
  hello.exchange = kPeersExchange;
  hello.codec = codec_name(options.codec);
  hello.peer.emplace();
  hello.peer->instance = instance;
  hello.peer->rule = mixing_name(options.rule);
  if (hello.statistics > kMaxStatisticsComponents) {
    throw ArgumentError(fmt::format("statistics of {} components are shared; at most {} are possible",
                                    hello.statistics, kMaxStatisticsComponents));
  }
  check_hello_size(hello, options.limits, kMaxNameBytes);
  return hello;
}

}  // namespace

const char* flow_name(PeerFlow flow) {
  for (const auto& [each, name] : kFlows)
    if (each == flow) return name;
  return "?";
}

std::optional<PeerFlow> flow_of(std::string_view name) {
  for (const auto& [flow, each] : kFlows)
    if (name == each) return flow;
  return std::nullopt;
}

/// The training thread's side is run() and what it calls; everything with a session is the io thread's.
class Peer::Impl final : private LinkHostOwner, private PeerSessionOwner {
 public:
  Impl(PeerOptions options, LocalTrainer& trainer)
      : options_(checked(std::move(options))),
        trainer_(trainer),
        layout_(trainer.layout()),
        components_(trainer.own_statistics().statistics.components()),
        instance_(draw_instance()),
        hello_(first_hello(options_, trainer, instance_)),
        board_(Mixer::make(mixer_options(options_), layout_.size()), components_, options_.round_number),
        quarantine_(options_.quarantine, kLongestQuarantine),
        own_statistics_(trainer.own_statistics().statistics),
        host_(host_options(options_), *this) {}

  ~Impl() override { host_.shut_down("the peer was destroyed"); }

  void start() { host_.bind(); }
  std::uint16_t port() const {
    const auto ports = host_.ports();
    return ports.empty() ? std::uint16_t{0} : ports.front();
  }
  void request_stop() { board_.request_stop(); }
  const PeerProgress& progress() const { return progress_; }
  std::vector<PeerNeighbourStatus> neighbours() const { return board_.neighbours(); }

  std::string run(const std::function<bool(const PeerProgress&)>& keep_going) {
    if (std::exchange(ran_, true)) throw ArgumentError("Peer::run() was already called; make a new Peer");
    try {
      const std::string reason = train(keep_going);
      host_.stop(reason);
      return reason;
    } catch (const std::exception& error) {
      host_.stop(fmt::format("the peer failed: {}", error.what()));
      throw;
    } catch (...) {
      host_.stop("the peer failed");
      throw;
    }
  }

 private:
  // The training thread.

  std::string train(const std::function<bool(const PeerProgress&)>& keep_going) {
    begin();
    if (const auto reason = over()) return *reason;
    for (;;) {
      progress_.round = trainer_.train_round();
      ++progress_.rounds;
      progress_.in_process += progress_.round.in_round();
      progress_.mixed = average();
      progress_.exchanges += progress_.mixed;
      board_.tell(progress_);
      const bool wanted = !keep_going || keep_going(progress_);
      if (const auto reason = over()) return *reason;
      if (!wanted) return "the peer's program ended the training";
    }
  }

  void begin() {
    local_.resize(layout_.size());
    trainer_.read_weights(local_);
    first_weights_ = fnv1a(std::as_bytes(std::span(std::as_const(local_))));
    hello_.peer->first_weights = first_weights_;
    board_.start(local_);
    host_.start();
    await_neighbours();
    adopt_weights();
    // What neighbours that began sooner have sent meanwhile.
    trainer_.read_weights(local_);
    if (board_.end(local_).mixed > 0) trainer_.write_weights(local_);
    take_statistics();
  }

  void await_neighbours() {
    const std::size_t wanted = options_.await_start ? options_.await_start() : options_.first_neighbours;
    const auto deadline = Deadline::after(options_.join_timeout);
    const auto soon = Deadline::after(std::min(kQuietJoining, options_.join_timeout));
    bool are_there = board_.wait_joined(wanted, soon);
    if (!are_there && !board_.stop_requested() && !deadline.passed()) {
      log(LogLevel::kInfo,
          "peer '{}': waits for its neighbours, of which {} of {} have come; it begins without them after {}",
          options_.name, board_.met(), wanted, span_text(options_.join_timeout));
      are_there = board_.wait_joined(wanted, deadline);
    }
    board_.end_joining();
    if (are_there || board_.stop_requested()) return;
    log(LogLevel::kWarning, "peer '{}': {} of {} neighbours came within {}, and it trains {}: {}",
        options_.name, board_.met(), wanted, span_text(options_.join_timeout),
        board_.degree() > 0 ? "with those that are there" : "alone until one comes", board_.last_failure());
  }

  /// Of whoever has trained longer. Of two that have not trained, whose names decide: otherwise they would
  /// average networks that have nothing in common.
  void adopt_weights() {
    const auto candidate = board_.furthest();
    if (!candidate) return;
    const std::uint64_t own_round = board_.round();
    const bool is_behind = candidate->round > own_round;
    const bool is_other_beginning = candidate->round == 0 && own_round == 0 &&
                                    options_.name > candidate->name &&
                                    candidate->first_weights != first_weights_;
    if (!is_behind && !is_other_beginning) return;
    if (is_behind) {
      log(LogLevel::kInfo, "peer '{}': takes the weights of '{}', which has {} rounds behind it",
          options_.name, candidate->name, candidate->round);
    } else {
      log(LogLevel::kWarning,
          "peer '{}': began with other weights than '{}', and takes that one's; give all peers the same "
          "--seed",
          options_.name, candidate->name);
    }
    trainer_.write_weights(*candidate->weights);
    board_.adopt(*candidate);
  }

  void take_statistics() {
    if (components_ > 0) trainer_.write_other_statistics(board_.statistics());
  }

  /// After a round. How many neighbours' weights were averaged in.
  std::uint64_t average() {
    trainer_.read_weights(local_);
    const double norm = euclidean_norm(local_);
    // Weights that the round spoilt are left as they are for the trainer's owner to see, and reach nobody.
    if (!is_finite(norm)) return 0;
    GENKIDAMA_FAILPOINT("peer_before_send");
    post_shares(board_.begin(local_, norm));
    GENKIDAMA_FAILPOINT("peer_sent");
    progress_.waited_seconds +=
        board_.wait(Deadline::after(options_.exchange_timeout), options_.limits.close_timeout);
    const MixReport mixed = board_.end(local_);
    progress_.missing += mixed.missing;
    trainer_.write_weights(local_);
    take_statistics();
    GENKIDAMA_FAILPOINT("peer_mixed");
    return mixed.mixed;
  }

  std::optional<std::string> over() const {
    if (board_.stop_requested()) return "stop requested";
    return std::nullopt;
  }

  void post_shares(std::vector<OutgoingShare> out) {
    auto statistics = components_ > 0 ? trainer_.own_statistics().statistics : RunningStatistics();
    host_.post([this, out = std::move(out), statistics = std::move(statistics)]() mutable {
      own_statistics_ = std::move(statistics);
      for (OutgoingShare& each : out) {
        const auto found = joined_.find(each.neighbour);
        if (found == joined_.end()) continue;
        try {
          found->second->send(std::move(each.share));
        } catch (const std::exception&) {
          // The training thread waits for an answer, or for the end of the link.
          found->second->abandon();
        }
      }
    });
  }

  // The io thread.

  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override {
    PeerSessionOwner& owner = *this;
    return std::make_shared<PeerSession>(owner, host_, connection);
  }
  void connection_refused(const asio::ip::address& from, const std::string& reason) override {
    warnings_.warn(fmt::format("peer '{}': a connection from {} was closed: {}", options_.name,
                               from.to_string(), reason));
  }
  void dial_failed(const std::string& reason) override {
    board_.failed(reason);
    const LogLevel level = std::exchange(has_told_failure_, true) ? LogLevel::kDebug : LogLevel::kInfo;
    log(level, "peer '{}': {}; it goes on trying", options_.name, reason);
  }

  const PeerOptions& options() const override { return options_; }
  const ParameterLayout& layout() const override { return layout_; }
  std::size_t statistics_components() const override { return components_; }
  const RunningStatistics& own_statistics() const override { return own_statistics_; }
  PeerBoard& board() override { return board_; }
  std::uint64_t instance() const override { return instance_; }

  HelloMessage make_hello(PeerFlow flow) const override {
    HelloMessage hello = hello_;
    hello.peer->flow = flow_name(flow);
    hello.peer->round = board_.round();
    hello.peer->neighbours = board_.degree();
    return hello;
  }

  PeerFlow flow_to(const Endpoint& endpoint) const override {
    const auto found =
        std::find_if(options_.neighbours.begin(), options_.neighbours.end(),
                     [&](const PeerNeighbour& each) { return each.endpoint.text() == endpoint.text(); });
    return found == options_.neighbours.end() ? PeerFlow::kBoth : found->flow;
  }

  std::optional<RefuseMessage> difference(const HelloMessage& hello) const {
    const PeerSides sides{fmt::format("at the peer '{}'", options_.name),
                          fmt::format("at the peer '{}'", hello.name)};
    auto different = layout_.difference(hello.layout, sides.own, sides.peer);
    if (!different) different = difference_of_policy(hello_.policy, hello.policy, sides);
    if (!different && hello.statistics != hello_.statistics) {
      different =
          fmt::format("{} shares statistics of {} components (0: it normalises nothing) and {} those of {}",
                      sides.own, hello_.statistics, sides.peer, hello.statistics);
    }
    if (!different) return std::nullopt;
    return RefuseMessage{RefusalCode::kLayout,
                         fmt::format("what is trained differs: {}; give both the same task and "
                                     "options",
                                     *different)};
  }

  std::optional<RefuseMessage> objection(PeerSession& session, const HelloMessage& hello) override {
    const auto refuse = [](RefusalCode code, std::string reason) {
      return RefuseMessage{code, std::move(reason)};
    };
    if (!hello.peer || hello.exchange != kPeersExchange) {
      return refuse(
          RefusalCode::kProtocol,
          fmt::format("this is a peer, whose exchange is '{}', and the other end asks for '{}'; connect "
                      "peers to peers, and a Child to a Parent",
                      kPeersExchange, hello.exchange));
    }
    if (hello.peer->instance == instance_)
      return refuse(RefusalCode::kProtocol, fmt::format("the peer '{}' is its own neighbour", options_.name));
    if (hello.name == options_.name) {
      return refuse(
          RefusalCode::kProtocol,
          fmt::format("both neighbours are called '{}'; give each a name of its own", options_.name));
    }
    if (hello.peer->rule != hello_.peer->rule) {
      return refuse(RefusalCode::kProtocol,
                    fmt::format("'{}' averages by the rule '{}' and '{}' by '{}'; give all peers the same",
                                options_.name, hello_.peer->rule, hello.name, hello.peer->rule));
    }
    if (needs_undirected(options_.rule) && hello.peer->flow != flow_name(PeerFlow::kBoth)) {
      return refuse(RefusalCode::kProtocol,
                    fmt::format("for the rule '{}' both ends of a link send, and '{}' only {}",
                                hello_.peer->rule, hello.name, hello.peer->flow));
    }
    if (const std::uint64_t most = board_.most_round(); hello.peer->round > most)
      return refuse(RefusalCode::kProtocol,
                    fmt::format("'{}' offers weights of round {}; expected at most {}", hello.name,
                                hello.peer->round, most));
    if (!codec_of(hello.codec))
      return refuse(RefusalCode::kProtocol, fmt::format("the codec '{}' is not known here", hello.codec));
    if (auto different = difference(hello)) return different;
    if (const Milliseconds left = quarantine_.left(offender(session, hello.name), Clock::now());
        left > Milliseconds::zero()) {
      return refuse(RefusalCode::kBusy, fmt::format("weights of '{}' were refused; it may come again in {}",
                                                    hello.name, span_text(left)));
    }
    return second_link(session, hello);
  }

  /// Two peers have one link, and the one that is there stays: a link that is dead is found by its own
  /// deadlines, and one that would give way to each newcomer would never rest where two machines have one
  /// name. Of two links that are made at once, each dialled by another end, that of the smaller name stays,
  /// so that both ends choose alike.
  std::optional<RefuseMessage> second_link(const PeerSession& session, const HelloMessage& hello) {
    PeerSession* const other = session_of(hello.name, &session);
    if (other == nullptr) return std::nullopt;
    const bool is_same_process = other->instance() == hello.peer->instance;
    const bool is_preferred = session.is_dialled() == (options_.name < hello.name);
    const bool is_other_way = other->is_dialled() != session.is_dialled();
    if (is_same_process && is_other_way && is_preferred && !other->joined()) {
      other->give_way(kSecondLink);
      return std::nullopt;
    }
    if (is_same_process) return RefuseMessage{RefusalCode::kBusy, kSecondLink};
    return RefuseMessage{RefusalCode::kBusy, fmt::format("another process called '{}' is a neighbour of '{}' "
                                                         "already; give each a name of its own, or wait "
                                                         "until the link to it is given up",
                                                         hello.name, options_.name)};
  }

  PeerSession* session_of(const std::string& name, const PeerSession* except) {
    PeerSession* found = nullptr;
    host_.for_each_session([&](HostedSession& each) {
      auto& session = static_cast<PeerSession&>(each);  // make_session() makes no others
      if (&session != except && !session.is_over() && session.name() == name) found = &session;
    });
    return found;
  }

  std::string offender(const PeerSession& session, const std::string& name) const {
    return name + " " + session.from().to_string();
  }

  std::optional<std::size_t> session_met(PeerSession&, const HelloMessage& hello) override {
    return board_.meet(hello);
  }

  void session_joined(PeerSession& session, const HelloMessage& hello) override {
    assert(host_.is_io_thread());
    refusals_ = 0;
    has_told_failure_ = false;
    joined_[*session.number()] = &session;
    log(LogLevel::kInfo, "peer '{}': '{}' ({}) is a neighbour; it {} and is at round {}", options_.name,
        hello.name, session.address(),
        hello.peer->flow == "both" ? "sends and receives" : "only " + hello.peer->flow, hello.peer->round);
  }

  void session_refused(const PeerSession& session, const RefuseMessage& refusal) override {
    if (refusal.reason == kSecondLink) return;
    const bool is_lasting = refusal.code == RefusalCode::kLayout || refusal.code == RefusalCode::kProtocol;
    // Whoever dials this peer is a stranger to its user.
    if (is_lasting && session.is_dialled() && ++refusals_ >= kBelievedRefusals &&
        board_.refused(session.address(), refusal))
      return;
    warnings_.warn(fmt::format("{}{}", session.from().to_string(), refusal.reason),
                   fmt::format("peer '{}': {} refused this peer ({}){}: {}", options_.name, session.address(),
                               refusal_code_text(refusal.code),
                               session.is_dialled() ? ", which dials it again" : "", refusal.reason));
  }

  void session_refuses(const PeerSession& session, const RefuseMessage& refusal) override {
    // How a joined link ends is told by session_closed().
    if (refusal.reason == kSecondLink || session.joined()) return;
    warnings_.warn(fmt::format("{}{}", session.from().to_string(), refusal.reason),
                   fmt::format("peer '{}': refused {} ({}): {}", options_.name, session.address(),
                               refusal_code_text(refusal.code), refusal.reason));
  }

  Milliseconds quarantine(const PeerSession& session) override {
    const Milliseconds span = quarantine_.punish(offender(session, session.name()), Clock::now());
    log(LogLevel::kWarning, "peer '{}': the weights of '{}' ({}) were refused, and it must stay away for {}",
        options_.name, session.name(), session.address(), span_text(span));
    return span;
  }

  void session_closed(PeerSession& session, const std::string& reason) override {
    assert(host_.is_io_thread());
    const auto number = session.number();
    const auto found = number ? joined_.find(*number) : joined_.end();
    if (found != joined_.end() && found->second == &session) {
      joined_.erase(found);
      board_.left(*number);
      try_log(LogLevel::kInfo, "peer '{}': the link to '{}' is gone: {}", options_.name, session.name(),
              reason);
      return;
    }
    try {
      board_.failed(reason);
      if (session.fault() != PeerFault::kNone && !host_.ending())
        warnings_.warn(fmt::format("peer '{}': no link to {}: {}", options_.name, session.address(), reason));
    } catch (const std::exception&) {
      // Out of memory: it goes without a word.
    }
  }

  const PeerOptions options_;
  LocalTrainer& trainer_;
  const ParameterLayout layout_;
  const std::size_t components_;
  const std::uint64_t instance_;
  HelloMessage hello_;  // written before the io thread is started
  PeerBoard board_;
  PeerProgress progress_;
  std::vector<float> local_;
  std::uint64_t first_weights_ = 0;
  bool ran_ = false;

  // The io thread's.
  std::map<std::size_t, PeerSession*> joined_;
  Quarantine quarantine_;
  RunningStatistics own_statistics_;
  QuietLog warnings_;
  int refusals_ = 0;
  bool has_told_failure_ = false;

  LinkHost host_;  // the last: its thread uses the others
};

Peer::Peer(PeerOptions options, LocalTrainer& trainer)
    : impl_(std::make_unique<Impl>(std::move(options), trainer)) {}

Peer::~Peer() = default;

void Peer::start() {
  impl_->start();
}
std::uint16_t Peer::port() const {
  return impl_->port();
}
std::string Peer::run(const std::function<bool(const PeerProgress&)>& keep_going) {
  return impl_->run(keep_going);
}
const PeerProgress& Peer::progress() const {
  return impl_->progress();
}
std::vector<PeerNeighbourStatus> Peer::neighbours() const {
  return impl_->neighbours();
}
void Peer::request_stop() {
  impl_->request_stop();
}

}  // namespace genkidama
