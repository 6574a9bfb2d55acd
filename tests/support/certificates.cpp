#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace genkidama::test {
namespace {

constexpr long kDay = 24 * 60 * 60;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("certificates: ") + what);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_file(const std::string& path) {
  File file(std::fopen(path.c_str(), "wb"));
  must(file != nullptr, "cannot write a file");
  return file;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free);
  must(extension != nullptr, "bad extension");
  must(X509_add_ext(certificate, extension.get(), -1) == 1, "cannot add an extension");
}

}  // namespace

struct CertificateAuthority::Issued {
  Key key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  Certificate certificate{X509_new(), &X509_free};

  /// `authority` null: it signs itself.
  Issued(const std::string& name, const Issued* authority, const std::string& hosts, int days) {
    must(key != nullptr && certificate != nullptr, "no memory");
    X509* own = certificate.get();
    X509* issuer = authority != nullptr ? authority->certificate.get() : own;
    static long serial = 1;
    X509_set_version(own, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(own), serial++);
    X509_gmtime_adj(X509_getm_notBefore(own), (days < 0 ? days - 1 : -1) * kDay);
    X509_gmtime_adj(X509_getm_notAfter(own), days * kDay);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(own), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(own, X509_get_subject_name(issuer));
    must(X509_set_pubkey(own, key.get()) == 1, "cannot set the key");
    add_extension(own, issuer, NID_basic_constraints, authority == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    add_extension(own, issuer, NID_subject_key_identifier, "hash");
    if (!hosts.empty()) add_extension(own, issuer, NID_subject_alt_name, hosts);
    EVP_PKEY* signer = authority != nullptr ? authority->key.get() : key.get();
    must(X509_sign(own, signer, EVP_sha256()) > 0, "cannot sign");
  }

  CertificateFiles write(const std::filesystem::path& directory, const std::string& name) const {
    const CertificateFiles files{(directory / (name + ".crt")).string(),
                                 (directory / (name + ".key")).string()};
    must(PEM_write_X509(open_file(files.certificate).get(), certificate.get()) == 1, "cannot write");
    must(PEM_write_PrivateKey(open_file(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
             1,
         "cannot write");
    return files;
  }
};

CertificateAuthority::CertificateAuthority(const std::filesystem::path& directory, const std::string& name)
    : directory_(directory),
      own_(std::make_unique<Issued>(name, nullptr, "", 2)),
      files_(own_->write(directory, name)) {}

CertificateAuthority::~CertificateAuthority() = default;

CertificateFiles CertificateAuthority::issue(const std::string& name, const std::string& hosts,
                                             int days) const {
  return Issued(name, own_.get(), hosts, days).write(directory_, name);
}

}  // namespace genkidama::test
