#pragma once

#include <span>
#include <string>
#include <string_view>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a user calls the options of LinkSecurity. The defaults are the names of the fields; whoever offers
/// the same options under other names hands those in, so that the rules need no second copy.
struct SecurityNames {
  /// Stands before an endpoint, with a space after it.
  std::string_view listen;
  /// Stands before the name of a token or a file that is missing.
  std::string_view article = "a ";
  std::string_view token = "security.token";
  std::string_view insecure = "set security.insecure";
  std::string_view certificate = "tls.certificate";
  std::string_view key = "tls.key";
  std::string_view ca = "tls.ca";
  std::string_view client_ca = "tls.client_ca";
};

/// Throws ArgumentError that names the field for a number that is negative or not finite; 0 is no limit.
void check_rate(double rate, const char* name);

/// Each of these throws ArgumentError that names the option.
void check_limits(const LinkLimits& limits);
void check_backoff(Milliseconds min, Milliseconds max);
/// The rules about tokens and certificates. A listener that other machines can reach needs a token, or over
/// TLS a client_ca, or `insecure`. Does not look at any file.
void check_security(const LinkSecurity& security, std::span<const Endpoint> listen,
                    const SecurityNames& names = {});
/// Reads the files, so that one which cannot be used is an error before anything else was begun. Names the
/// field of the file.
void check_tls_files(const TlsOptions& tls, bool listens, bool dials);
void check_peer_name(const std::string& value, const char* option);
/// Port 0 is for listening: nobody can be dialled there. `option` stands before the endpoint.
void check_dialled(const Endpoint& endpoint, std::string_view option);

/// Whether a listener at `listen` speaks TLS.
bool speaks_tls(const Endpoint& listen, const TlsOptions& tls);

}  // namespace genkidama
