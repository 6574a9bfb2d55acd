#pragma once

/// @file
/// A learner's links to the shards that own its weights.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/params/weight_shards.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a learner does while a shard is away that it had joined.
enum class ShardAway {
  kWait,  ///< waits for the shard, at most ShardLinksOptions::away_timeout
  kGoOn   ///< learns on with the weights of that slice as they are; its gradients for it are lost
};

/// The name: "wait" or "go-on".
const char* shard_away_name(ShardAway away);

/// How a learner reaches its shards.
struct ShardLinksOptions {
  std::vector<Endpoint> connect;  ///< one for each shard, in any order; 1 to kMostShards
  std::string name = "learner";   ///< what shards call this learner: 1 to 64 printable ASCII characters
  std::string optimizer;          ///< the optimizer as a text, which must be the shards'
  ShardAway when_away = ShardAway::kWait;  ///< what happens while a shard is away
  LinkLimits limits;                       ///< deadlines and limits of the links
  LinkSecurity security;                   ///< token and certificates
  Milliseconds join_timeout{60'000};       ///< how long all shards may take to be joined at first
  Milliseconds away_timeout{600'000};      ///< kWait: how long a shard may be away that was joined
  /// How long nothing of an answer may move before a link is dropped and made anew.
  Milliseconds exchange_timeout{30'000};
  Milliseconds backoff_min{100};     ///< the first pause before dialling again; it doubles, with jitter
  Milliseconds backoff_max{10'000};  ///< the longest pause
};

/// Makes the learner's side, which dials the shards. Each shard has a thread of sockets in the process that
/// uses it. A gradient goes to all shards at once, each getting its slice. What was on its way when a link
/// was lost is not sent again, because the shard may have applied it. A shard that comes back with fewer
/// optimizer steps than this learner has seen was started from an older state: the log says so, and the
/// learner goes on with the shard's weights. A shard whose slice or run is another one than before is
/// refused. Throws ArgumentError for options out of range and certificates that cannot be used.
std::unique_ptr<WeightShards> make_shard_links(const ShardLinksOptions& options, const ShardLearner& learner);

}  // namespace genkidama
