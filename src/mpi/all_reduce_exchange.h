#pragma once

// The exchange of ranks that average their weights.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/mpi/mpi_group.h"
#include "genkidama/params/exchange.h"
#include "genkidama/params/optimizer_moments.h"
#include "mpi/session.h"

namespace genkidama::mpi {

class AllReduceExchange final : public Exchange {
 public:
  /// `session` must outlive the exchange.
  AllReduceExchange(Session& session, const MpiOptions& options, std::function<bool()> give_up);
  /// Without finish(), as after a failure, the others are left to the launcher.
  ~AllReduceExchange() override {
    if (!over_) session_.abandon();
  }
  AllReduceExchange(const AllReduceExchange&) = delete;
  AllReduceExchange& operator=(const AllReduceExchange&) = delete;

  /// Takes over rank 0's weights, and its moments where these are averaged. Throws LayoutError when a rank
  /// trains another network or policy.
  void begin(LocalTrainer& trainer) override;
  ExchangeReport after_round(LocalTrainer& trainer, const RoundReport& round) override;
  /// Tells the others that this rank ends, unless all do already.
  ExchangeReport finish(LocalTrainer& trainer) override;
  std::optional<std::string> over() const override { return over_; }

 private:
  /// Before each average: who ends, and who has played how much.
  bool agree_to_average(std::uint64_t steps, bool ends, double& all_steps);
  void average_weights(LocalTrainer& trainer, double share);
  void begin_moments(LocalTrainer& trainer);
  void average_moments(LocalTrainer& trainer, std::uint64_t steps);
  void merge_statistics(LocalTrainer& trainer);
  bool done(Outcome outcome);

  Session& session_;
  Patience patience_;
  const bool averages_moments_;
  std::optional<std::string> over_;
  std::vector<float> weights_;
  OptimizerMoments moments_;
  std::vector<double> everybody_;
};

}  // namespace genkidama::mpi
