#pragma once

// What a Parent and a Child do with their connections, which are kept in a std::map of shared pointers.

#include "net/asio.h"

#include <exception>
#include <optional>
#include <utility>

#include "genkidama/net/endpoint.h"

namespace genkidama {

/// `action` may remove the session it is called with.
template <typename Sessions, typename Action>
void for_each_session(Sessions& sessions, const Action& action) {
  for (auto next = sessions.begin(); next != sessions.end();) {
    const auto session = (next++)->second;
    action(*session);
  }
}

/// Puts `session` into the map and starts it. Throws when it could not be, and it is not in the map then.
template <typename Sessions>
void start_session(Sessions& sessions, const typename Sessions::key_type& key,
                   const typename Sessions::mapped_type& session, tcp::socket socket,
                   const std::optional<Endpoint>& dialled) {
  sessions.emplace(key, session);
  try {
    session->start(std::move(socket), dialled);
  } catch (const std::exception&) {
    session->abandon();
    sessions.erase(key);
    // Also if its end was told: what follows from that may have failed in its turn.
    throw;
  }
}

}  // namespace genkidama
