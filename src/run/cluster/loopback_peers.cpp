#include "genkidama/run/loopback_peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/token.h"
#include "run/cluster/ready_pipe.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/process/spawned_process.h"

namespace genkidama::run {
namespace {

RunOptions run_options(const LoopbackPeersOptions& options) {
  RunOptions run;
  run.directory = options.directory;
  run.resume = options.resume;
  run.option_name = options.option_name;
  return run;
}

std::optional<nlohmann::json> summary_of(const std::filesystem::path& directory) {
  std::ifstream file(RunDirectory(directory).summary(), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto read = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return read.is_object() ? std::optional(std::move(read)) : std::nullopt;
}

class Peers {
 public:
  explicit Peers(const LoopbackPeersOptions& options)
      : options_(options), directory_(options.directory), token_(make_token()) {}

  LoopbackPeersSummary run() {
    write_file_atomically(directory_.config(), options_.config);
    for (std::size_t node = 0; node < options_.topology.nodes() && !stopped(); ++node) start(node);
    let_begin();
    watch();
    end_all();
    LoopbackPeersSummary summary;
    for (const auto& peer : peers_) summary.exit_codes.push_back(peer->exit_code());
    summary.stopped = stopped();
    if (!summary.stopped) summary.error = failure(summary.exit_codes);
    write_summary(summary);
    if (!summary.error.empty()) log(LogLevel::kError, "{}", summary.error);
    return summary;
  }

 private:
  std::string failure(const std::vector<int>& exit_codes) const {
    std::vector<std::string> failed;
    for (std::size_t i = 0; i < exit_codes.size(); ++i)
      if (exit_codes[i] != 0) failed.push_back(peers_[i]->name());
    if (failed.empty()) return {};
    if (failed.size() == exit_codes.size())
      return "every peer failed; see the output.log in each one's directory";
    return fmt::format(
        "{} of {} peers failed ({}); see the output.log in the directory of each, and go on "
        "by {} {}",
        failed.size(), exit_codes.size(), fmt::join(failed, ", "), run_options(options_).name_of("resume"),
        directory_.path().string());
  }

  bool stopped() {
    stopped_ = stopped_ || (options_.stop && options_.stop());
    return stopped_;
  }

  std::filesystem::path place_of(std::size_t node) const {
    return directory_.peers() / fmt::format("peer_{}", node + 1);
  }

  void start(std::size_t node) {
    LoopbackPeer peer;
    peer.number = node;
    peer.name = fmt::format("peer_{}", node + 1);
    peer.directory = place_of(node);
    peer.token = token_;
    const RunDirectory place(peer.directory);
    peer.resume = options_.resume != Resume::kNever && place.is_resumable();
    place.create();
    for (std::size_t other = 0; other < options_.topology.nodes(); ++other) {
      const bool sends = options_.topology.has_edge(node, other),
                 receives = options_.topology.has_edge(other, node);
      if (!sends && !receives) continue;
      if (other < node && ports_[other] == 0) continue;
      ++peer.degree;
      if (other > node) continue;
      peer.neighbours.push_back({{"127.0.0.1", ports_[other]},
                                 sends && receives ? PeerFlow::kBoth
                                 : sends           ? PeerFlow::kSends
                                                   : PeerFlow::kReceives});
    }
    pipes_.push_back(std::make_unique<ReadyPipe>(peer.name));
    ReadyPipe& ready = *pipes_.back();
    peer.ready_fd = ready.member_end();
    SpawnedProcess::Options process;
    process.name = peer.name;
    process.output = peer.directory / "output.log";
    process.inherited_fd = peer.ready_fd;
    process.arguments = options_.words(peer);
    if (process.arguments.empty()) throw ArgumentError(fmt::format("words gives no words for {}", peer.name));
    peers_.push_back(std::make_unique<SpawnedProcess>(std::move(process)));
    reported_.push_back(false);
    ready.close_member_end();
    const auto port = ready.read_port(options_.start_timeout, [this] { return stopped(); });
    // One that has ended, because its run was over or because it failed, is told by report_ended().
    ports_.push_back(static_cast<std::uint16_t>(port.value_or(0)));
  }

  /// Whoever began sooner might end before the last one is there, and have averaged with nobody.
  void let_begin() {
    for (std::size_t node = 0; node < ports_.size(); ++node) {
      std::size_t neighbours = 0;
      for (std::size_t other = 0; other < ports_.size(); ++other) {
        if (ports_[other] == 0) continue;
        if (options_.topology.has_edge(node, other) || options_.topology.has_edge(other, node)) ++neighbours;
      }
      pipes_[node]->tell(fmt::format("{}\n", neighbours));
    }
  }

  void watch() {
    while (!stopped()) {
      report_ended();
      if (std::none_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->running(); }))
        return;
      pause_before_look();
    }
  }

  void report_ended() {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      SpawnedProcess& peer = *peers_[i];
      if (reported_[i] || peer.running()) continue;
      reported_[i] = true;
      const auto left = std::count(reported_.begin(), reported_.end(), false);
      if (peer.exit_code() == 0) {
        log(LogLevel::kInfo, "{} has ended; {} of {} peers go on", peer.name(), left, peers_.size());
      } else {
        log(LogLevel::kWarning, "{} ended with {}; {} of {} peers go on; its output is in {}", peer.name(),
            exit_text(peer.exit_code()), left, peers_.size(), peer.output().string());
      }
    }
  }

  void end_all() {
    for (auto& peer : peers_)
      if (peer->running()) peer->signal(SIGTERM);
    const Deadline asked = Deadline::after(options_.end_timeout);
    for (auto& peer : peers_) {
      while (peer->running() && !asked.passed()) pause_before_look();
      if (peer->running()) peer->signal(SIGKILL);
      while (peer->running()) pause_before_look();
    }
  }

  void write_summary(const LoopbackPeersSummary& summary) const {
    nlohmann::ordered_json all;
    all["command"] = "cluster";
    all["ended_by"] = summary.stopped ? "signal" : summary.error.empty() ? "peers" : "error";
    if (!summary.error.empty()) all["error"] = summary.error;
    std::uint64_t steps = 0;
    double sum = 0, worst = 0;
    std::size_t evaluated = 0;
    nlohmann::ordered_json peers = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      nlohmann::ordered_json row = {{"name", peers_[i]->name()}, {"exit_code", peers_[i]->exit_code()}};
      if (const auto own = summary_of(place_of(i))) {
        for (const char* key : {"environment_steps", "updates", "exchanges", "distance_mean", "distance_max",
                                "time_to_target_seconds", "final_evaluation"}) {
          if (own->contains(key)) row[key] = (*own)[key];
        }
        steps += own->value("environment_steps", std::uint64_t{0});
        if (own->contains("final_evaluation") && (*own)["final_evaluation"].is_object()) {
          const double mean = (*own)["final_evaluation"].value("mean", 0.0);
          sum += mean;
          worst = evaluated++ == 0 ? mean : std::min(worst, mean);
        }
      }
      peers.push_back(std::move(row));
    }
    all["environment_steps"] = steps;
    if (evaluated > 0) {
      all["mean"] = sum / static_cast<double>(evaluated);
      all["worst"] = worst;
    }
    all["peers"] = std::move(peers);
    write_json_file(directory_.summary(), all);
  }

  const LoopbackPeersOptions& options_;
  RunDirectory directory_;
  const std::string token_;
  std::vector<std::unique_ptr<SpawnedProcess>> peers_;
  std::vector<std::unique_ptr<ReadyPipe>> pipes_;
  std::vector<std::uint16_t> ports_;  // 0: it never listened
  std::vector<bool> reported_;
  bool stopped_ = false;
};

}  // namespace

LoopbackPeers::LoopbackPeers(LoopbackPeersOptions options) : options_(std::move(options)) {
  if (options_.directory.empty()) throw ArgumentError("directory is empty; peers need a run directory");
  if (!options_.words)
    throw ArgumentError("words is empty; expected a function that gives a peer's command line");
  if (options_.topology.nodes() < 2) throw ArgumentError("topology has 1 machine; expected at least 2");
  if (!options_.topology.is_connected()) {
    throw ArgumentError(
        "topology is not connected: what some machines find never reaches some others; expected a way from "
        "each to "
        "each");
  }
  for (const auto& [field, value, least] : {std::tuple("lock_patience", options_.lock_patience, 0),
                                            std::tuple("start_timeout", options_.start_timeout, 1),
                                            std::tuple("end_timeout", options_.end_timeout, 0)}) {
    if (value < Milliseconds(least))
      throw ArgumentError(fmt::format("{} is {} ms; expected at least {} ms", field, value.count(), least));
  }
  check_json_object("config", options_.config);
  if (options_.resume == Resume::kNever) {
    RunDirectory(options_.directory).goes_on(run_options(options_));
  } else if (!std::filesystem::is_directory(RunDirectory(options_.directory).peers())) {
    throw ArgumentError(
        fmt::format("{} {}: no peers have run in this directory; expected that of a cluster with a topology",
                    run_options(options_).name_of("resume"), options_.directory.string()));
  }
}

LoopbackPeersSummary LoopbackPeers::run() {
  if (std::exchange(ran_, true))
    throw ArgumentError("LoopbackPeers::run() was already called; make a new LoopbackPeers");
  const RunDirectory directory(options_.directory);
  if (options_.resume == Resume::kNever) directory.create(run_options(options_));
  const RunLock lock(directory.cluster_lock(), options_.lock_patience, options_.stop);
  // Again, now that nobody else can begin here.
  if (options_.resume == Resume::kNever) directory.goes_on(run_options(options_));
  return Peers(options_).run();
}

}  // namespace genkidama::run
