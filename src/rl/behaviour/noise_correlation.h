#pragma once

// The range of GaussianOptions::noise_correlation.

namespace genkidama {

/// Throws ArgumentError unless the correlation lies in [0, 1).
void check_noise_correlation(double correlation);

}  // namespace genkidama
