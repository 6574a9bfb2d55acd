#include "net/check_options.h"
#include "net/link/tls.h"

namespace genkidama {

void check_tls_files(const TlsOptions& tls, bool listens, bool dials) {
  static_cast<void>(load_tls(tls, listens, dials));
}

}  // namespace genkidama
