#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace genkidama::test {

/// A certificate and its key as PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

/// Makes certificates when a test runs, so that none of the repository's expires.
class CertificateAuthority {
 public:
  /// Its files lie in `directory`, their names begin with `name`.
  CertificateAuthority(const std::filesystem::path& directory, const std::string& name);
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  /// Its own certificate.
  const std::string& file() const { return files_.certificate; }

  /// For `hosts` as X.509 writes them, "DNS:localhost,IP:127.0.0.1", valid from yesterday until `days` from
  /// now: a negative number makes one that has expired.
  CertificateFiles issue(const std::string& name, const std::string& hosts = "DNS:localhost,IP:127.0.0.1",
                         int days = 1) const;

 private:
  struct Issued;

  std::filesystem::path directory_;
  std::unique_ptr<Issued> own_;
  CertificateFiles files_;
};

}  // namespace genkidama::test
