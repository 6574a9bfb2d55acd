#include "net/child/check_child_options.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"
#include "net/check_options.h"

namespace genkidama {

ChildOptions checked_child_options(ChildOptions options) {
  check_mixing_weight(options.beta, "beta");
  check_limits(options.limits);
  const std::vector<Endpoint> listen(options.listen ? 1 : 0, options.listen.value_or(Endpoint{}));
  check_security(options.security, listen);
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the Child's name");
  if (options.connect.has_value() == options.listen.has_value()) {
    throw ArgumentError(fmt::format("a Child needs exactly one of connect and listen; {} given",
                                    options.connect ? "both were" : "none was"));
  }
  if (options.overlap && options.exchange != ExchangeKind::kEach) {
    throw ArgumentError(fmt::format(
        "overlap is set and the exchange is '{}', in which a Child waits for the {}; leave overlap out, "
        "or choose 'each'",
        exchange_name(options.exchange),
        options.exchange == ExchangeKind::kPopulation ? "Parent's answer" : "others"));
  }
  if (options.codec != CodecKind::kFloat32 && options.exchange == ExchangeKind::kPopulation) {
    throw ArgumentError(
        fmt::format("the codec is '{}' and the exchange is 'population', whose members go on from exactly "
                    "what they copy; "
                    "expected '{}'",
                    codec_name(options.codec), codec_name(CodecKind::kFloat32)));
  }
  if (options.average_moments && options.exchange != ExchangeKind::kRounds) {
    throw ArgumentError(fmt::format(
        "average_moments is set and the exchange is '{}', in which only weights are merged; leave "
        "average_moments out, or choose 'rounds'",
        exchange_name(options.exchange)));
  }
  if (options.resume &&
      (options.resume->session > kMaxJsonInteger || options.resume->sequence > kMaxJsonInteger ||
       (!options.resume->run_id.empty() && !valid_peer_name(options.resume->run_id)))) {
    throw ArgumentError("resume is not what a ChildProgress told: its run_id or its numbers are impossible");
  }
  for (const auto& [name, value] : {std::pair("join_timeout", options.join_timeout),
                                    std::pair("exchange_timeout", options.exchange_timeout),
                                    std::pair("away_timeout", options.away_timeout)}) {
    if (value > Milliseconds::zero()) continue;
    throw ArgumentError(fmt::format("{} is {} ms; give at least 1 ms", name, value.count()));
  }
  return options;
}

}  // namespace genkidama
