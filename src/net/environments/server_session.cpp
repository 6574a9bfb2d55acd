#include "net/environments/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/host/link_host.h"

namespace genkidama {

ServerSession::ServerSession(ServerSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection),
      owner_(owner),
      is_asked_(static_cast<std::size_t>(owner.hello().environments)) {}

void ServerSession::send(std::vector<std::vector<std::byte>> frames) {
  if (!joined()) return;
  for (auto& frame : frames) waiting_.push_back(std::move(frame));
  flush();
}

void ServerSession::answered(std::span<const std::uint16_t> environments) {
  for (const std::uint16_t environment : environments) is_asked_[environment] = false;
}

void ServerSession::flush() {
  if (waiting_.empty() || !joined() || link_->sending_frame()) return;
  auto frame = std::move(waiting_.front());
  waiting_.pop_front();
  link_->send_frame(std::move(frame));
}

void ServerSession::end(const std::string& reason) {
  if (joined()) {
    link_->send_text(encode_message(LeaveMessage{reason}));
    link_->close(reason);
  } else if (phase_ != Phase::kOver) {
    link_->drop(reason);
  }
  phase_ = Phase::kOver;
}

void ServerSession::on_open() {
  link_->send_text(encode_environment_hello(owner_.hello()));
}

void ServerSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) return refuse({RefusalCode::kProtocol, message.reason()});
  if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) return handle(*refusal);
  if (const auto* end = std::get_if<EndMessage>(&message.value())) {
    phase_ = Phase::kOver;
    owner_.session_ended(end->reason);
    return link_->close("the server ended the run: " + end->reason);
  }
  const auto* welcome = std::get_if<WelcomeMessage>(&message.value());
  if (welcome != nullptr && phase_ == Phase::kWelcome) return handle(*welcome);
  refuse({RefusalCode::kProtocol,
          fmt::format("a {} message is not expected here", message_type(message.value()))});
}

void ServerSession::handle(const WelcomeMessage& welcome) {
  if (welcome.exchange != kEnvironmentsExchange) {
    return refuse(
        {RefusalCode::kProtocol,
         fmt::format("the peer's exchange is '{}'; expected a server of environments, whose exchange "
                     "is '{}'",
                     welcome.exchange, kEnvironmentsExchange)});
  }
  phase_ = Phase::kJoined;
  const std::size_t row = request_row_bytes(owner_.sizes());
  const std::size_t rows = std::min(is_asked_.size(), most_environment_rows(row));
  link_->established(std::max(owner_.limits().max_control_bytes, kEnvironmentHeaderBytes + rows * row));
  owner_.session_joined(*this, welcome);
}

void ServerSession::handle(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  if (!owner_.session_refused(refusal)) host_.peer_refused(connection_);
  link_->close(fmt::format("the server refused ({}): {}", refusal_code_text(refusal.code), refusal.reason));
}

void ServerSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kWelcome)
    return refuse({RefusalCode::kProtocol, "a binary message where a welcome is expected"});
  std::vector<float> values;
  auto rows = decode_environment_requests(frame, owner_.sizes(), values);
  if (!rows.ok()) return refuse({RefusalCode::kFrame, rows.reason()});
  for (const EnvironmentRequest& row : rows.value()) {
    if (row.environment >= is_asked_.size())
      return refuse({RefusalCode::kSequence, fmt::format("environment {} is asked, and this host has {}",
                                                         row.environment, is_asked_.size())});
    if (is_asked_[row.environment])
      return refuse({RefusalCode::kSequence,
                     fmt::format("environment {} is asked before it has answered", row.environment)});
    is_asked_[row.environment] = true;
  }
  owner_.session_asked(std::move(rows.value()), std::move(values));
  host_.peer_works(connection_);
}

void ServerSession::refuse(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  link_->send_text(encode_message(refusal));
  link_->close(fmt::format("the peer at {} was refused: {}", link_->address(), refusal.reason));
}

void ServerSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  owner_.session_closed(*this, reason);
  host_.connection_closed(connection_);
}

}  // namespace genkidama
