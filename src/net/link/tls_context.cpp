#include "net/link/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/error.hpp>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

namespace ssl = asio::ssl;

/// OpenSSL's reason, or 0.
int reason_of(ErrorCode error) {
  if (error.category() != asio::error::get_ssl_category()) return 0;
  return ERR_GET_REASON(static_cast<unsigned long>(error.value()));
}

[[noreturn]] void refuse_file(const char* option, const std::string& file, const ErrorCode& error) {
  throw ArgumentError(
      fmt::format("{} {}: {}; expected a readable file in PEM form", option, file, error.message()));
}

ssl::context make_context(ssl::context::method method) {
  ssl::context context(method);
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Links live for hours; nothing is gained by resuming one's keys.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(native, 0);
  // A key with a password is an error, not a question on the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
  return context;
}

void use_certificate(ssl::context& context, const TlsOptions& options) {
  ErrorCode error;
  context.use_certificate_chain_file(options.certificate, error);
  if (error) refuse_file("tls.certificate", options.certificate, error);
  context.use_private_key_file(options.key, ssl::context::pem, error);
  if (reason_of(error) == X509_R_KEY_VALUES_MISMATCH) {
    throw ArgumentError(
        fmt::format("tls.key {}: not the key of tls.certificate {}", options.key, options.certificate));
  }
  if (error) refuse_file("tls.key", options.key, error);
}

ssl::context listening_context(const TlsOptions& options) {
  ssl::context context = make_context(ssl::context::tls_server);
  use_certificate(context, options);
  if (options.client_ca.empty()) return context;
  ErrorCode error;
  context.load_verify_file(options.client_ca, error);
  if (error) refuse_file("tls.client_ca", options.client_ca, error);
  SSL_CTX_set_client_CA_list(context.native_handle(), SSL_load_client_CA_file(options.client_ca.c_str()));
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

ssl::context dialling_context(const TlsOptions& options) {
  ssl::context context = make_context(ssl::context::tls_client);
  if (!options.certificate.empty()) use_certificate(context, options);
  ErrorCode error;
  if (options.ca.empty()) {
    context.set_default_verify_paths(error);
    if (error) throw ArgumentError("the system's certificate authorities: " + error.message());
  } else {
    context.load_verify_file(options.ca, error);
    if (error) refuse_file("tls.ca", options.ca, error);
  }
  context.set_verify_mode(ssl::verify_peer);
  return context;
}

bool is_address(const std::string& host) {
  ErrorCode error;
  asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

std::shared_ptr<TlsContexts> load_tls(const TlsOptions& options, bool listens, bool dials) {
  if (!listens && !dials) return nullptr;
  auto contexts = std::make_shared<TlsContexts>();
  if (listens) contexts->listening.emplace(listening_context(options));
  if (dials) contexts->dialling.emplace(dialling_context(options));
  return contexts;
}

bool expect_certificate_for(SSL* ssl, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string describe_tls_failure(const SSL* ssl, ErrorCode error, const std::string& peer,
                                 const std::string& dialled) {
  const bool dials = !dialled.empty();
  const int reason = reason_of(error);
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return fmt::format(
        "the {}'s certificate is for another host than '{}': dial the name or address that "
        "it is for",
        peer, dialled);
  }
  if (verdict != X509_V_OK) {
    return fmt::format("the {}'s certificate was refused: {}; it must be signed by an authority of {}", peer,
                       X509_verify_cert_error_string(verdict),
                       dials ? "the ones that this side trusts" : "this side's client authorities");
  }
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return fmt::format("the {} gave no certificate: give it a certificate and its key", peer);
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return fmt::format("the {} wants a certificate of this side: give one and its key", peer);
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
      if (!dials)
        return fmt::format("the {} speaks no TLS, which this port wants: dial it at wss://HOST:PORT", peer);
      return fmt::format("the {} speaks no TLS: dial it without TLS, or give it a certificate and its key",
                         peer);
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return fmt::format("the {} refused this side's certificate: {}", peer, error.message());
    default:
      return "the TLS handshake failed: " + error.message();
  }
}

bool is_plain_http(ErrorCode error) {
  return reason_of(error) == SSL_R_HTTP_REQUEST;
}

}  // namespace genkidama
