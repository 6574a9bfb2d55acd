#include "net/child/child_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/params/actor_mode.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/protocol.h"
#include "genkidama/wire/statistics.h"
#include "net/hello_size.h"

namespace genkidama {
namespace {

// An exchange may take so many times twice as long as expected, if those before it came to nothing.
constexpr int kMostDoublings = 2;
// Links in a row on which a Parent must have refused this Child's network or protocol before it is believed:
// without TLS a bit that was flipped on the way can make a sound hello look like another one's.
constexpr int kBelievedRefusals = 3;
// Of the hello's `resume`, with the longest numbers.
constexpr std::size_t kMaxResumeBytes = 128;

/// Throws ArgumentError for a shape that no Parent takes.
MomentsShape checked(const MomentsShape& moments, const ParameterLayout& layout) {
  const std::size_t most = kMostMomentsOfWeight * layout.size();
  if (moments.size <= most) {
    AveragedMoments().begin(moments);
    return moments;
  }
  throw ArgumentError(
      fmt::format("average_moments is set and the optimizer has {} moments; at most {}, {} for each "
                  "weight, are possible",
                  moments.size, most, kMostMomentsOfWeight));
}

HelloMessage first_hello(const ChildOptions& options, const ParameterLayout& layout,
                         const NumberedStatistics& own, const PolicyDescription& policy,
                         const MomentsShape& moments) {
  const std::size_t statistics = own.statistics.components();
  if (statistics > kMaxStatisticsComponents) {
    throw ArgumentError(fmt::format("statistics of {} components are shared; at most {} are possible",
                                    statistics, kMaxStatisticsComponents));
  }
  HelloMessage hello;
  hello.statistics = statistics;
  hello.stream = own.stream;
  hello.name = options.name;
  hello.library = std::string("genkidama ") + kVersion;
  hello.layout = layout;
  if (options.average_moments) hello.moments = checked(moments, layout);
  hello.policy = policy;
  hello.exchange = exchange_name(options.exchange);
  hello.codec = codec_name(options.codec);
  if (options.resume && !options.resume->run_id.empty()) {
    hello.run_id = options.resume->run_id;
    hello.environment_steps = std::min(options.resume->since_child_began.steps, kMaxJsonInteger);
    hello.resume = SessionMark{options.resume->session, options.resume->sequence};
  }
  check_hello_size(hello, options.limits, kMaxNameBytes + kMaxResumeBytes);
  if (options.exchange == ExchangeKind::kSegments) hello.round_steps = options.round_steps;
  return hello;
}

std::set<std::string> names_of(const std::vector<NamedValue>& values) {
  std::set<std::string> names;
  for (const NamedValue& each : values) names.insert(each.name);
  return names;
}

HostOptions host_options(const ChildOptions& options, const RoleWords& words) {
  HostOptions host;
  host.who = fmt::format("{} '{}'", words.child, options.name);
  host.peer = words.the_parent;
  if (options.listen) host.listen = {*options.listen};
  if (options.connect) host.connect = {*options.connect};
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = options.backoff_min;
  host.backoff_max = options.backoff_max;
  return host;
}

}  // namespace

ChildLinks::ChildLinks(const ChildOptions& options, const ParameterLayout& layout,
                       const NumberedStatistics& own, const PolicyDescription& policy,
                       const MomentsShape& moments, const std::vector<NamedValue>& tunable,
                       ChildMailbox& mailbox, RoleWords words)
    : options_(options),
      words_(words),
      layout_(layout),
      statistics_(own.statistics.components()),
      tunable_(names_of(tunable)),
      mailbox_(mailbox),
      hello_(first_hello(options, layout, own, policy, moments)),
      host_(host_options(options, words), *this) {}

ChildLinks::~ChildLinks() {
  host_.shut_down(options_.exchange == ExchangeKind::kSegments ? "the actor was destroyed"
                                                               : "the Child was destroyed");
}

void ChildLinks::bind() {
  host_.bind();
}

std::uint16_t ChildLinks::port() const {
  const auto ports = host_.ports();
  return ports.empty() ? std::uint16_t{0} : ports.front();
}

void ChildLinks::start() {
  bind();
  where_ = options_.connect ? "at " + options_.connect->text()
                            : fmt::format("connected to {} (port {})", options_.listen->text(), port());
  host_.start();
}

void ChildLinks::send(OutgoingWeights out) {
  host_.post([this, out = std::move(out)] { send_here(out); });
}

// The io thread.

void ChildLinks::send_here(const OutgoingWeights& out) {
  assert(host_.is_io_thread());
  if (!current_ || out.generation != current_generation_) return;
  steps_sent_ = out.header.environment_steps;
  unanswered_ = true;
  if (hello_.resume) hello_.resume->sequence = out.header.sequence;
  try {
    if (out.segments) {
      current_->send_segments(out.header, *out.segments, out.own_statistics);
    } else {
      current_->send(out);
    }
  } catch (const std::exception&) {
    // The training thread waits for an answer, or for the end of the link.
    current_->abandon();
  }
}

std::shared_ptr<HostedSession> ChildLinks::make_session(std::uint64_t connection) {
  ChildSessionOwner& owner = *this;
  return std::make_shared<ChildSession>(owner, host_, connection, options_.limits, layout_, statistics_,
                                        mailbox_);
}

void ChildLinks::connection_refused(const asio::ip::address& from, const std::string& reason) {
  warnings_.warn(fmt::format("{} '{}': a connection from {} was closed: {}", words_.child, options_.name,
                             from.to_string(), reason));
}

void ChildLinks::dial_failed(const std::string& reason) {
  mailbox_.failed(reason);
  const LogLevel level = std::exchange(has_told_failure_, true) ? LogLevel::kDebug : LogLevel::kInfo;
  log(level, "{} '{}': {}; it goes on trying", words_.child, options_.name, reason);
}

bool ChildLinks::session_refused(const RefuseMessage& refusal, bool welcomed) {
  assert(host_.is_io_thread());
  const int in_a_row = welcomed ? ++refused_messages_ : ++refused_hellos_;
  if (in_a_row >= kBelievedRefusals) {
    mailbox_.refused(refusal);
    host_.stop_dialling();
    return true;
  }
  warnings_.warn(
      fmt::format("{} '{}': the {} {} refused this {} ({}, {} of {} times in a row, and it tries again): {}",
                  words_.child, options_.name, words_.the_parent, where_, words_.the_child,
                  refusal_code_text(refusal.code), in_a_row, kBelievedRefusals, refusal.reason));
  return false;
}

JoinedSession ChildLinks::session_joined(ChildSession& session, const WelcomeMessage& welcome) {
  assert(host_.is_io_thread());
  current_ = &session;
  current_generation_ = mailbox_.joins() + 1;
  has_told_failure_ = false;
  JoinedSession joined;
  joined.run_id = welcome.run_id;
  joined.session = welcome.session;
  joined.sequence = welcome.sequence.value_or(0);
  joined.resumed = welcome.sequence.has_value();
  joined.asynchronous = actor_mode_of(welcome.actors) == ActorMode::kAsynchronous;
  joined.place = welcome.place;
  joined.places = welcome.places;
  const bool is_latest = joined.resumed && hello_.resume && hello_.resume->session == joined.session;
  const bool was_unanswered = std::exchange(unanswered_, false);
  joined.merged_unanswered = was_unanswered && is_latest && joined.sequence >= hello_.resume->sequence;
  if (joined.merged_unanswered) count_steps();
  hello_.run_id = welcome.run_id;
  hello_.resume = SessionMark{joined.session, joined.sequence};
  log(LogLevel::kInfo, "{} '{}': joined '{}' (run {}, update {}, {} session {})", words_.child, options_.name,
      welcome.name, welcome.run_id, welcome.update, joined.resumed ? "again" : "new", joined.session);
  prepare_changes(session.codec(), joined, was_unanswered);
  tell_codec(session.codec(), welcome.name);
  if (!welcome.shown_name.empty() && !joined.resumed) {
    warnings_.warn(fmt::format(
        "{} '{}': the {} knows another {} of this name, and shows this one as '{}'; give each a name of its "
        "own",
        words_.child, options_.name, words_.the_parent, words_.the_child, welcome.shown_name));
  }
  return joined;
}

void ChildLinks::prepare_changes(CodecKind codec, const JoinedSession& joined, bool was_unanswered) {
  if (options_.exchange != ExchangeKind::kRounds) return;
  if (!changes_ || !joined.resumed || changes_->kind() != codec) {
    // What was left out in another session is lost with the session.
    changes_.emplace(codec, layout_, CodedContent::kChanges);
  } else if (was_unanswered && !joined.merged_unanswered) {
    changes_->take_back();
  } else {
    changes_->keep();
  }
}

void ChildLinks::tell_codec(CodecKind codec, const std::string& parent) {
  if (codec == options_.codec) return;
  warnings_.warn(fmt::format("{} '{}': the {} '{}' does not know the codec '{}'; weights travel as '{}'",
                             words_.child, options_.name, words_.the_parent, parent,
                             codec_name(options_.codec), codec_name(codec)));
}

Clock::duration ChildLinks::silence_limit() const {
  return exchange_time_.allowance(Clock::duration(options_.exchange_timeout)) *
         (1 << std::min(unanswered_in_a_row_, kMostDoublings));
}

void ChildLinks::session_answered(Clock::duration span) {
  assert(host_.is_io_thread());
  exchange_time_.add(span);
  unanswered_in_a_row_ = 0;
  unanswered_ = false;
  refused_messages_ = 0;
  if (changes_) changes_->keep();
  count_steps();
}

void ChildLinks::count_steps() {
  hello_.environment_steps = std::min(steps_sent_, kMaxJsonInteger);
}

void ChildLinks::session_closed(ChildSession& session, const std::string& reason) {
  assert(host_.is_io_thread());
  const bool was_joined = current_ == &session;
  if (was_joined) current_ = nullptr;
  try {
    if (was_joined) {
      log(LogLevel::kInfo, "{} '{}': the link is gone: {}", words_.child, options_.name, reason);
    } else {
      mailbox_.failed(reason);
      // What trying again will hardly mend, unless somebody hears of it.
      if (session.fault() != PeerFault::kNone && !host_.ending()) {
        warnings_.warn(fmt::format("{} '{}': no link {}: {}", words_.child, options_.name, where_, reason));
      }
    }
  } catch (const std::exception&) {
    // Out of memory: it goes without a word.
  }
}

}  // namespace genkidama
