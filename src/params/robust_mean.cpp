#include "genkidama/params/robust_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

void check(Votes votes, std::size_t size) {
  if (votes.empty()) throw ArgumentError("there are no votes to combine; give at least one");
  for (const auto& vote : votes) {
    if (vote.size() == size) continue;
    throw ArgumentError(
        fmt::format("a vote has {} elements and the result {}; each vote needs as many", vote.size(), size));
  }
}

constexpr std::size_t kBlock = 256;
using Row = std::array<float, kBlock>;

/// Sorts each column of a block by exchanges of whole rows, which the compiler turns into vector
/// instructions: the odd-even transposition sort, with as many passes as there are rows.
void sort_few(std::vector<Row>& rows) {
  for (std::size_t pass = 0; pass < rows.size(); ++pass) {
    for (std::size_t k = pass % 2; k + 1 < rows.size(); k += 2) {
      Row& low = rows[k];
      Row& high = rows[k + 1];
      for (std::size_t i = 0; i < kBlock; ++i) {
        const float least = std::min(low[i], high[i]);
        high[i] = std::max(low[i], high[i]);
        low[i] = least;
      }
    }
  }
}

/// The same for many rows, where passes over all of them would be dear.
void sort_many(std::vector<Row>& rows) {
  std::vector<float> column(rows.size());
  for (std::size_t i = 0; i < kBlock; ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) column[k] = rows[k][i];
    std::sort(column.begin(), column.end());
    for (std::size_t k = 0; k < rows.size(); ++k) rows[k][i] = column[k];
  }
}

/// The mean in each coordinate of what lies between the `cut` least and the `cut` greatest, where
/// 2 cut < votes.
void mean_of_middle(Votes votes, std::size_t cut, std::span<float> mean) {
  constexpr std::size_t kFew = 32;
  const std::size_t count = votes.size();
  std::vector<Row> rows(count);
  for (std::size_t begin = 0; begin < mean.size(); begin += kBlock) {
    const std::size_t width = std::min(kBlock, mean.size() - begin);
    for (std::size_t k = 0; k < count; ++k) std::copy_n(votes[k].begin() + begin, width, rows[k].begin());
    // Nothing is left out: there is no need to sort.
    if (cut > 0) count <= kFew ? sort_few(rows) : sort_many(rows);
    for (std::size_t i = 0; i < width; ++i) {
      double sum = 0;
      for (std::size_t k = cut; k < count - cut; ++k) sum += static_cast<double>(rows[k][i]);
      mean[begin + i] = static_cast<float>(sum / static_cast<double>(count - 2 * cut));
    }
  }
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= a.size(); i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) {
      const double difference = static_cast<double>(a[i + lane]) - static_cast<double>(b[i + lane]);
      sums[lane] += difference * difference;
    }
  }
  for (; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sums[0] += difference * difference;
  }
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

std::size_t less(std::size_t from, std::uint64_t what) {
  return what < from ? from - static_cast<std::size_t>(what) : 0;
}

}  // namespace

void coordinate_median(Votes votes, std::span<float> median) {
  check(votes, median.size());
  mean_of_middle(votes, (votes.size() - 1) / 2, median);
}

void trimmed_mean(Votes votes, std::size_t cut, std::span<float> mean) {
  check(votes, mean.size());
  mean_of_middle(votes, std::min(cut, (votes.size() - 1) / 2), mean);
}

std::vector<double> krum_scores(Votes votes, std::uint64_t attackers) {
  check(votes, votes.empty() ? 0 : votes.front().size());
  const std::size_t count = votes.size();
  std::vector<std::vector<double>> distances(count, std::vector<double>(count));
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < a; ++b)
      distances[a][b] = distances[b][a] = squared_distance(votes[a], votes[b]);
  }
  const std::size_t near = std::min(count - 1, std::max<std::size_t>(1, less(less(count, attackers), 2)));
  std::vector<double> scores(count);
  for (std::size_t a = 0; a < count; ++a) {
    distances[a].erase(distances[a].begin() + static_cast<std::ptrdiff_t>(a));
    std::sort(distances[a].begin(), distances[a].end());
    for (std::size_t b = 0; b < near; ++b) scores[a] += distances[a][b];
  }
  return scores;
}

std::vector<std::size_t> krum_order(Votes votes, std::uint64_t attackers) {
  const std::vector<double> scores = krum_scores(votes, attackers);
  std::vector<std::size_t> order(votes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return order;
}

void krum(Votes votes, std::uint64_t attackers, std::span<float> chosen) {
  check(votes, chosen.size());
  const auto& best = votes[krum_order(votes, attackers).front()];
  std::copy(best.begin(), best.end(), chosen.begin());
}

void multi_krum(Votes votes, std::uint64_t attackers, std::span<float> mean) {
  check(votes, mean.size());
  auto order = krum_order(votes, attackers);
  order.resize(std::max<std::size_t>(1, less(votes.size(), attackers)));
  // In the order of the votes, so that the sum does not depend on the scores.
  std::sort(order.begin(), order.end());
  std::vector<std::span<const float>> best;
  for (const std::size_t index : order) best.push_back(votes[index]);
  mean_of_middle(best, 0, mean);
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace genkidama
