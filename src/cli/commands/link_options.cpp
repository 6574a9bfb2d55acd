#include "cli/commands/link_options.h"

#include <cmath>
#include <string>

#include "cli/options/population_check.h"
#include "cli/options/settings_check.h"

namespace genkidama::cli {
namespace {

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<long long>(seconds * 1000));
}

}  // namespace

ParentOptions parent_options(const Job& job) {
  const LinkOptions& links = job.settings.links;
  ParentOptions options;
  for (const std::string& text : links.listen) options.listen.push_back(Endpoint::parse(text));
  for (const std::string& text : links.connect) {
    options.connect.push_back(Endpoint::parse(text));
    options.connect.back().tls |= links.tls && !options.connect.back().plain;
  }
  options.exchange = links.exchange;
  options.alpha = links.alpha;
  options.merge_threads = links.merge_threads;
  options.rounds = links.rounds;
  options.rounds.deadline = Milliseconds(static_cast<long long>(std::ceil(1000 * links.round_deadline_s)));
  options.rounds.apart_from_steps = apart_from_steps(job.settings);
  if (links.exchange == ExchangeKind::kSegments) {
    options.rounds.max_staleness = most_policy_lag(job.settings);
    options.segments.divide = links.divide_steps;
    options.segments.mode = links.actor_mode;
    options.segments.queued_rounds = links.queued_rounds;
    options.segments.when_full = links.when_full;
    options.segments.queue_bytes = static_cast<std::size_t>(links.queue_bytes);
  }
  options.outer_optimizer = OuterOptimizer(links.outer_optimizer);
  options.average_moments = links.average_moments;
  if (links.exchange == ExchangeKind::kPopulation) {
    options.population = Population(population_options(job.settings));
  }
  // A learner merges nothing.
  if (links.exchange != ExchangeKind::kSegments) {
    options.merge_rule = job.program.merge_rule;
    options.merge_method = make_merge_method(links.merge);
  }
  options.name = links.name;
  options.security = security_of(job.settings);
  return options;
}

ChildOptions child_options(const Settings& settings) {
  ChildOptions options;
  if (!settings.links.connect.empty()) options.connect = Endpoint::parse(settings.links.connect.front());
  if (options.connect) options.connect->tls |= settings.links.tls && !options.connect->plain;
  if (!settings.links.listen.empty()) options.listen = Endpoint::parse(settings.links.listen.front());
  options.exchange = settings.links.exchange;
  options.codec = settings.links.codec;
  options.average_moments = settings.links.average_moments;
  options.beta = settings.links.beta;
  options.overlap = settings.links.overlap;
  options.name = settings.links.name;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(settings.links.join_timeout_s);
  options.exchange_timeout = milliseconds(settings.links.exchange_timeout_s);
  options.away_timeout = milliseconds(settings.links.away_timeout_s);
  // After a signal there may be a wait for the Parent's answer and another for its farewell.
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

std::optional<UpperParentOptions> upper_options(const Job& job) {
  const LinkOptions& links = job.settings.links;
  if (links.upper.empty()) return std::nullopt;
  Settings as_child = job.settings;
  as_child.links.connect = links.upper;
  as_child.links.listen.clear();
  as_child.links.exchange = links.upper_exchange.value_or(links.exchange);
  as_child.links.overlap = false;
  return UpperParentOptions{child_options(as_child), links.upper_merges};
}

PeerOptions peer_options(const Settings& settings) {
  const LinkOptions& links = settings.links;
  PeerOptions options;
  if (!links.listen.empty()) options.listen = Endpoint::parse(links.listen.front());
  const auto add = [&](const std::vector<std::string>& texts, PeerFlow flow) {
    for (const std::string& text : texts) {
      options.neighbours.push_back({Endpoint::parse(text), flow});
      Endpoint& endpoint = options.neighbours.back().endpoint;
      endpoint.tls |= links.tls && !endpoint.plain;
    }
  };
  add(links.neighbours, PeerFlow::kBoth);
  add(links.send_to, PeerFlow::kSends);
  add(links.receive_from, PeerFlow::kReceives);
  options.rule = links.mixing;
  options.first_neighbours = static_cast<std::size_t>(links.first_neighbours);
  options.max_staleness = links.mixing_staleness;
  options.overlap = links.overlap;
  options.codec = links.codec;
  options.name = links.name;
  options.seed = settings.learning.seed;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(links.join_timeout_s);
  options.exchange_timeout = milliseconds(links.exchange_timeout_s);
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

ShardOptions shard_options(const Settings& settings) {
  const LinkOptions& links = settings.links;
  ShardOptions options;
  for (const std::string& text : links.listen) options.listen.push_back(Endpoint::parse(text));
  options.slice.number = links.slice_number;
  options.slice.count = links.slice_count;
  options.name = links.name;
  options.security = security_of(settings);
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

HostedEnvironmentsOptions hosted_environments_options(const Settings& settings) {
  const LinkOptions& links = settings.links;
  HostedEnvironmentsOptions options;
  for (const std::string& text : links.listen) options.listen.push_back(Endpoint::parse(text));
  options.name = links.name;
  options.workers = settings.learning.workers;
  options.environments_per_worker = settings.learning.hyperparameters.environments_per_worker;
  options.security = security_of(settings);
  options.answer_timeout = milliseconds(links.exchange_timeout_s);
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

EnvironmentHostOptions environment_host_options(const Settings& settings) {
  const LinkOptions& links = settings.links;
  EnvironmentHostOptions options;
  options.connect = Endpoint::parse(links.connect.front());
  options.connect.tls |= links.tls && !options.connect.plain;
  options.name = links.name;
  options.environments = links.environments;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(links.join_timeout_s);
  options.away_timeout = milliseconds(links.away_timeout_s);
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

ShardLinksOptions shard_links_options(const Settings& settings, const std::string& optimizer) {
  const LinkOptions& links = settings.links;
  ShardLinksOptions options;
  for (const std::string& text : links.shards) {
    options.connect.push_back(Endpoint::parse(text));
    options.connect.back().tls |= links.tls && !options.connect.back().plain;
  }
  options.name = links.name;
  options.optimizer = optimizer;
  options.when_away = links.shard_away;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(links.join_timeout_s);
  options.away_timeout = milliseconds(links.away_timeout_s);
  options.exchange_timeout = milliseconds(links.exchange_timeout_s);
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

run::MemberContext member_of(const Job& job) {
  run::MemberContext member;
  member.ready_fd = job.settings.plumbing.ready_fd;
  return member;
}

}  // namespace genkidama::cli
