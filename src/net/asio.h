#pragma once

// Asio 1.74 with GCC 12 in C++20 does not compile unless <utility> comes first.
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace genkidama {

namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

}  // namespace genkidama
