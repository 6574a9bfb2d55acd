#include "run/directory/thinning.h"

#include "genkidama/core/random.h"

namespace genkidama::run {

std::uint64_t thinning(std::uint64_t count, std::uint64_t all) {
  std::uint64_t one_of = 1;
  while (count / one_of > all) one_of *= 10;
  return one_of;
}

bool is_policy_kept(const RunOptions& options, std::uint64_t update) {
  if (update % options.checkpoint_every != 0) return false;
  const std::uint64_t count = update / options.checkpoint_every;
  return options.keep_all || count % thinning(count, kCheckpointsOfAll) == 0;
}

bool is_row_kept(const RunOptions& options, std::uint64_t update) {
  const std::uint64_t one_of = thinning(update, kRowsOfAllUpdates);
  return options.keep_all || one_of == 1 || derive_seed(update, {}) % one_of == 0 ||
         is_policy_kept(options, update);
}

}  // namespace genkidama::run
