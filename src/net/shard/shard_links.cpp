#include "genkidama/net/shard_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"
#include "net/check_options.h"
#include "net/hello_size.h"
#include "net/shard/shard_board.h"
#include "net/shard/shard_link.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};

ShardLinksOptions checked(ShardLinksOptions options) {
  check_limits(options.limits);
  check_security(options.security, {});
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the learner's name");
  if (options.connect.empty() || options.connect.size() > kMostShards) {
    throw ArgumentError(
        fmt::format("connect names {} shards; expected 1 to {}", options.connect.size(), kMostShards));
  }
  for (const auto& [span, name] :
       {std::pair(options.join_timeout, "join_timeout"), std::pair(options.away_timeout, "away_timeout"),
        std::pair(options.exchange_timeout, "exchange_timeout")}) {
    if (span <= Milliseconds::zero())
      throw ArgumentError(fmt::format("{} is {} ms; give at least 1 ms", name, span.count()));
  }
  return options;
}

HelloMessage hello_of(const ShardLinksOptions& options, const ShardLearner& learner) {
  HelloMessage hello;
  hello.name = options.name;
  hello.library = std::string("genkidama ") + kVersion;
  hello.layout = learner.layout;
  hello.policy = learner.policy;
  hello.exchange = kGradientsExchange;
  hello.optimizer = options.optimizer;
  check_hello_size(hello, options.limits);
  return hello;
}

class ShardLinks final : public WeightShards {
 public:
  ShardLinks(const ShardLinksOptions& options, const ShardLearner& learner)
      : options_(checked(options)),
        layout_(learner.layout),
        hello_(hello_of(options_, learner)),
        board_(options_.connect.size()) {
    for (std::size_t i = 0; i < options_.connect.size(); ++i)
      links_.push_back(std::make_unique<ShardLink>(options_, hello_, layout_, board_, i));
  }

  std::size_t slices() const override { return links_.size(); }

  bool join(const std::function<bool()>& keep_waiting) override {
    for (const auto& link : links_) link->start();
    const auto deadline = Deadline::after(options_.join_timeout);
    std::unique_lock lock(board_.mutex);
    while (true) {
      check_slices();
      if (all_joined()) break;
      for (std::size_t i = 0; i < links_.size(); ++i) {
        check_refusal(i);
        if (deadline.passed() && !board_.places[i].is_joined) {
          throw IoError(fmt::format("no link to the shard at {} within {:g} s: {}", links_[i]->where(),
                                    seconds(options_.join_timeout), board_.places[i].last_failure));
        }
      }
      if (!wait(lock, keep_waiting)) return false;
    }
    warn_of_new_slices();
    return true;
  }

  ShardReply apply(std::span<const ShardGradient> gradients,
                   const std::function<bool()>& keep_waiting) override {
    std::size_t most = kMostFrameGradients;
    {
      const std::lock_guard lock(board_.mutex);
      for (const ShardPlace& place : board_.places)
        most = std::min(most, most_frame_gradients(place.slice->size()));
    }
    ShardReply all;
    while (!gradients.empty()) {
      const auto some = gradients.first(std::min(most, gradients.size()));
      const ShardReply reply = apply_together(some, keep_waiting);
      all.stale += reply.stale;
      all.lost += reply.lost;
      gradients = gradients.subspan(some.size());
    }
    return all;
  }

  void read(std::span<float> weights, std::span<std::uint64_t> versions) const override {
    const std::lock_guard lock(board_.mutex);
    for (const ShardPlace& place : board_.places) {
      std::copy(place.weights.begin(), place.weights.end(),
                weights.begin() + static_cast<std::ptrdiff_t>(place.slice->begin));
      versions[place.slice->number - 1] = place.step;
    }
  }

 private:
  static double seconds(Milliseconds span) { return std::chrono::duration<double>(span).count(); }

  // All of these with the mutex held.

  bool all_joined() const {
    return std::all_of(board_.places.begin(), board_.places.end(),
                       [](const ShardPlace& place) { return place.is_joined; });
  }

  /// Every slice once: otherwise weights would have no owner, or two.
  void check_slices() const {
    std::vector<const ShardLink*> owners(links_.size());
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const auto& slice = board_.places[i].slice;
      if (!slice) continue;
      if (slice->count != links_.size()) {
        throw ArgumentError(fmt::format(
            "the shard at {} owns slice {} of {}, and there are links to {} shards; expected all {} of them, "
            "each with a slice of its own",
            links_[i]->where(), slice->number, slice->count, links_.size(), slice->count));
      }
      const ShardLink*& owner = owners[slice->number - 1];
      if (owner != nullptr) {
        throw ArgumentError(
            fmt::format("the shards at {} and {} both own slice {} of {}; expected each slice once",
                        owner->where(), links_[i]->where(), slice->number, slice->count));
      }
      owner = links_[i].get();
    }
  }

  /// A slice that begins anew beside others that have learnt is noise in the middle of a policy.
  void warn_of_new_slices() const {
    const auto furthest =
        std::max_element(board_.places.begin(), board_.places.end(),
                         [](const ShardPlace& a, const ShardPlace& b) { return a.step < b.step; });
    for (std::size_t i = 0; i < links_.size(); ++i) {
      if (board_.places[i].step > 0 || furthest->step == 0) continue;
      log(LogLevel::kWarning,
          "the shard at {} is at step 0, and another one at step {}: its slice of the weights begins anew; "
          "resume the shard from its own directory, or start all of them again",
          links_[i]->where(), furthest->step);
    }
  }

  void check_refusal(std::size_t index) const {
    const ShardPlace& place = board_.places[index];
    if (place.refusal.empty()) return;
    throw IoError(
        fmt::format("the shard at {} refuses this learner: {}", links_[index]->where(), place.refusal));
  }

  /// A moment; false when there is to be no more waiting.
  bool wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& keep_waiting) {
    board_.changed.wait_for(lock, kSlice);
    return keep_waiting();
  }

  /// Waits for shards that are away, if that is what is agreed.
  bool wait_for_shards(std::unique_lock<std::mutex>& lock, const std::function<bool()>& keep_waiting) {
    while (true) {
      for (std::size_t i = 0; i < links_.size(); ++i) {
        check_refusal(i);
        const ShardPlace& place = board_.places[i];
        const bool waits = options_.when_away == ShardAway::kWait && !place.is_joined;
        if (waits && Clock::now() - place.away_since >= options_.away_timeout) {
          throw IoError(fmt::format("the shard at {} has been away for {:g} s: {}", links_[i]->where(),
                                    seconds(options_.away_timeout), place.last_failure));
        }
      }
      if (options_.when_away == ShardAway::kGoOn || all_joined()) return true;
      if (!wait(lock, keep_waiting)) return false;
    }
  }

  ShardReply apply_together(std::span<const ShardGradient> gradients,
                            const std::function<bool()>& keep_waiting) {
    std::unique_lock lock(board_.mutex);
    ShardReply all_lost;
    all_lost.lost = gradients.size();
    // What was given up on its way, as at the end of a round that was cut, comes first.
    while (is_anything_awaited()) {
      if (!wait(lock, keep_waiting)) return all_lost;
    }
    if (!wait_for_shards(lock, keep_waiting)) return all_lost;
    bool is_lost = send(gradients);
    while (is_anything_awaited()) {
      if (!wait(lock, keep_waiting)) return all_lost;
    }
    std::vector<bool> is_stale(gradients.size());
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const ShardPlace& place = board_.places[i];
      if (place.fates.size() != gradients.size() || !place.is_joined) is_lost = true;
      for (std::size_t g = 0; g < std::min(place.fates.size(), gradients.size()); ++g)
        is_stale[g] = is_stale[g] || place.fates[g] == GradientFate::kStale;
    }
    ShardReply reply;
    reply.stale = static_cast<std::uint64_t>(std::count(is_stale.begin(), is_stale.end(), true));
    if (is_lost) reply.lost = gradients.size();
    // So that the weights that are read next are those of a shard that has come back.
    wait_for_shards(lock, keep_waiting);
    return reply;
  }

  bool is_anything_awaited() const {
    return std::any_of(board_.places.begin(), board_.places.end(),
                       [](const ShardPlace& place) { return place.is_joined && place.awaited > 0; });
  }

  /// To every shard that is joined; whether some are not.
  bool send(std::span<const ShardGradient> gradients) {
    bool is_lost = false;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      ShardPlace& place = board_.places[i];
      place.fates.clear();
      place.awaited = 0;
      if (!place.is_joined) {
        is_lost = true;
        continue;
      }
      const WeightSlice& slice = *place.slice;
      std::vector<SliceGradient> slices;
      for (const ShardGradient& each : gradients) {
        // Weights from before the shard came back old are taken for those that it has now.
        slices.push_back({std::min(each.versions[slice.number - 1], place.step), each.learning_rate,
                          each.values.subspan(slice.begin, slice.size())});
      }
      auto bytes = std::make_shared<std::vector<std::byte>>();
      append_gradients(slices, *bytes);
      place.awaited = gradients.size();
      links_[i]->send(place.link, std::move(bytes), gradients.size());
    }
    GENKIDAMA_FAILPOINT("learner_sent");
    return is_lost;
  }

  const ShardLinksOptions options_;
  const ParameterLayout layout_;
  const HelloMessage hello_;
  mutable ShardBoard board_;
  std::vector<std::unique_ptr<ShardLink>> links_;  // the last: their threads use the others
};

}  // namespace

const char* shard_away_name(ShardAway away) {
  return away == ShardAway::kWait ? "wait" : "go-on";
}

std::unique_ptr<WeightShards> make_shard_links(const ShardLinksOptions& options,
                                               const ShardLearner& learner) {
  return std::make_unique<ShardLinks>(options, learner);
}

}  // namespace genkidama
