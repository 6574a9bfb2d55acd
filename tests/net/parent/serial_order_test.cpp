// Many Children at once: whatever the Parent ends up with is what merging one by one, in some order, gives.
// GENKIDAMA_SERIAL_MERGES sets how many merges; the long form has a million (under ThreadSanitizer too).

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <latch>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kChildren = 8;
constexpr double kAlpha = 0.5;

std::uint64_t merges_wanted() {
  const char* text = std::getenv("GENKIDAMA_SERIAL_MERGES");
  return text == nullptr ? 2'000 : std::strtoull(text, nullptr, 10);
}

/// What a Child sends as its number `sequence`: no two of a Child are alike.
std::vector<float> weights_of(std::size_t child, std::uint64_t sequence) {
  std::vector<float> weights(small_layout().size());
  std::uint64_t state = (std::uint64_t{child} << 48 | sequence) * 0x9e3779b97f4a7c15u + 1;
  for (float& weight : weights) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    weight = static_cast<float>(static_cast<int>(state >> 40) - (1 << 23)) / (1 << 23);
  }
  return weights;
}

/// FNV-1a of the bits.
std::uint64_t fingerprint(std::span<const float> weights) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const float weight : weights) hash = (hash ^ std::bit_cast<std::uint32_t>(weight)) * 0x100000001b3u;
  return hash;
}

struct Merge {
  std::uint64_t session, sequence;
};

/// What one Child saw: the fingerprint of each answer.
struct Witness {
  std::uint64_t session = 0;
  std::vector<std::uint64_t> answers;
  std::string error;
};

/// Counts down whatever happens: nobody waits for one that failed.
class Arrival {
 public:
  explicit Arrival(std::latch& all) : all_(all) {}
  ~Arrival() {
    if (!waited_) all_.count_down();
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  void wait() {
    waited_ = true;
    all_.arrive_and_wait();
  }

 private:
  std::latch& all_;
  bool waited_ = false;
};

void exchange(std::uint16_t port, std::size_t child, std::uint64_t count, std::latch& all, Witness& witness) {
  Arrival arrival(all);
  try {
    RawPeer peer(port);
    witness.session = peer.join(small_layout(), "child " + std::to_string(child)).session;
    arrival.wait();
    std::vector<float> answer(small_layout().size());
    for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
      FrameHeader header;
      header.session = witness.session;
      header.sequence = sequence;
      peer.send_weights(header, weights_of(child, sequence));
      if (peer.read_weights(answer).sequence != sequence) throw std::runtime_error("another answer");
      witness.answers.push_back(fingerprint(answer));
    }
  } catch (const std::exception& error) {
    witness.error = error.what();
  }
}

}  // namespace

TEST_CASE("merges from many Children at once are some serial order of them, bit for bit", "[serial_order]") {
  const std::uint64_t each = merges_wanted() / kChildren;
  std::vector<Merge> order;
  RunningParent running(parent_options(kAlpha), [&](const ParentUpdate& update) {
    order.push_back({update.session, update.sequence});
  });

  // Somebody else looks at the weights all the time, and must never see half a merge.
  std::atomic<bool> done{false};
  std::set<std::uint64_t> seen;
  std::thread watcher([&] {
    while (!done.load()) {
      seen.insert(fingerprint(running.parent.weights()));
      std::this_thread::yield();
    }
  });
  std::vector<Witness> witnesses(kChildren);
  {
    std::latch all(kChildren);
    std::vector<std::thread> children;
    for (std::size_t child = 0; child < kChildren; ++child) {
      children.emplace_back(exchange, running.port(), child, each, std::ref(all), std::ref(witnesses[child]));
    }
    for (std::thread& thread : children) thread.join();
  }
  done.store(true);
  watcher.join();
  running.parent.stop();

  std::map<std::uint64_t, std::size_t> child_of;
  for (std::size_t child = 0; child < kChildren; ++child) {
    REQUIRE(witnesses[child].error.empty());
    REQUIRE(witnesses[child].answers.size() == each);
    child_of[witnesses[child].session] = child;
  }
  REQUIRE(child_of.size() == kChildren);
  REQUIRE(order.size() == each * kChildren);

  // The same merges, one by one, in the order the Parent says it made them.
  std::vector<float> weights = running.initial;
  std::vector<std::uint64_t> made(kChildren, 0);
  std::set<std::uint64_t> states{fingerprint(weights)};
  std::uint64_t wrong_order = 0, wrong_answers = 0, turns = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t child = child_of.at(order[i].session);
    if (order[i].sequence != ++made[child]) ++wrong_order;
    if (i > 0 && order[i].session != order[i - 1].session) ++turns;
    weighted_average(weights, weights_of(child, order[i].sequence), kAlpha);
    const std::uint64_t state = fingerprint(weights);
    if (witnesses[child].answers[static_cast<std::size_t>(order[i].sequence - 1)] != state) ++wrong_answers;
    states.insert(state);
  }
  CHECK(wrong_order == 0);
  CHECK(wrong_answers == 0);
  CHECK(turns >= kChildren);  // else nobody was merged between two of another's
  CHECK(same_bits(running.parent.weights(), weights));
  std::uint64_t never_there = 0;
  for (const std::uint64_t state : seen) never_there += states.count(state) == 0;
  CHECK(never_there == 0);
  CHECK(running.parent.status().updates == order.size());
}
