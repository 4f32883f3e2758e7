#include "engine/agent/messages.h"

#include <span>

#include "engine/core/bytes.h"

namespace kiln::agent {
namespace {

class Writer {
 public:
  template <class T>
  Writer& integer(T value) {
    const auto offset = text_.size();
    text_.resize(offset + sizeof(T));
    write_le<T>(std::as_writable_bytes(std::span(text_)), offset, value);
    return *this;
  }
  Writer& string(std::string_view value) {
    integer(static_cast<std::uint32_t>(value.size()));
    text_.append(value);
    return *this;
  }
  Writer& strings(const std::vector<std::string>& values) {
    integer(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) string(value);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Reads until something does not fit; from then on everything is empty and `complete` is false.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  template <class T>
  T integer() {
    if (rest_.size() < sizeof(T)) return give_up<T>();
    const auto value = read_le<T>(std::as_bytes(std::span(rest_.data(), rest_.size())), 0);
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string string() {
    const auto length = integer<std::uint32_t>();
    if (rest_.size() < length) return give_up<std::string>();
    std::string value(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return value;
  }
  /// A count of elements that take at least `smallest` bytes each: no more than could follow.
  std::uint32_t count(std::size_t smallest) {
    const auto value = integer<std::uint32_t>();
    return value <= rest_.size() / smallest ? value : give_up<std::uint32_t>();
  }
  std::vector<std::string> strings() {
    std::vector<std::string> values(count(sizeof(std::uint32_t)));
    for (auto& value : values) value = string();
    return values;
  }
  [[nodiscard]] bool complete() const { return !failed_ && rest_.empty(); }

 private:
  template <class T>
  T give_up() {
    failed_ = true;
    rest_ = {};
    return T{};
  }

  std::string_view rest_;
  bool failed_ = false;
};

TerminalSize read_size(Reader& reader) {
  TerminalSize size;
  size.rows = reader.integer<std::uint16_t>();
  size.columns = reader.integer<std::uint16_t>();
  return size;
}

/// What the kernel would cut at a NUL must not reach it, or checks and effects would differ.
bool is_c_string(std::string_view text) {
  return text.find('\0') == std::string_view::npos;
}

bool is_absolute(std::string_view path) {
  return !path.empty() && path.front() == '/' && is_c_string(path);
}

bool is_variable(const std::pair<std::string, std::string>& variable) {
  return !variable.first.empty() && variable.first.find('=') == std::string::npos &&
         is_c_string(variable.first) && is_c_string(variable.second);
}

template <class Message>
std::optional<Message> if_valid(bool valid, Message& message) {
  if (!valid) return std::nullopt;
  return std::move(message);
}

}  // namespace

std::string encode(const Hello& message) {
  return Writer()
      .integer(message.protocol)
      .string(message.version)
      .integer(message.capabilities)
      .take();
}

std::optional<Hello> decode_hello(std::string_view payload) {
  Reader reader(payload);
  Hello message;
  message.protocol = reader.integer<std::uint8_t>();
  message.version = reader.string();
  message.capabilities = reader.integer<std::uint32_t>();
  return if_valid(reader.complete(), message);
}

std::string encode(const RunRequest& message) {
  Writer writer;
  writer.strings(message.argv);
  writer.integer(static_cast<std::uint32_t>(message.environment.size()));
  for (const auto& [name, value] : message.environment) writer.string(name).string(value);
  writer.string(message.directory).integer(message.time_limit_milliseconds);
  writer.integer(static_cast<std::uint8_t>(message.input));
  writer.integer(message.terminal.rows).integer(message.terminal.columns);
  return writer.integer(static_cast<std::uint8_t>(message.account)).take();
}

std::optional<RunRequest> decode_run(std::string_view payload) {
  Reader reader(payload);
  RunRequest message;
  message.argv = reader.strings();
  message.environment.resize(reader.count(2 * sizeof(std::uint32_t)));
  bool valid = true;
  for (auto& variable : message.environment) {
    variable.first = reader.string();
    variable.second = reader.string();
    valid = valid && is_variable(variable);
  }
  message.directory = reader.string();
  message.time_limit_milliseconds = reader.integer<std::uint64_t>();
  message.input = static_cast<InputKind>(reader.integer<std::uint8_t>());
  message.terminal = read_size(reader);
  message.account = static_cast<Account>(reader.integer<std::uint8_t>());
  for (const auto& argument : message.argv) valid = valid && is_c_string(argument);
  valid = valid && reader.complete() && !message.argv.empty() && !message.argv[0].empty() &&
          is_absolute(message.directory) && message.input <= InputKind::kTerminal &&
          message.account <= Account::kLimitedAdministrator;
  return if_valid(valid, message);
}

std::string encode(const TerminalSize& message) {
  return Writer().integer(message.rows).integer(message.columns).take();
}

std::optional<TerminalSize> decode_terminal_size(std::string_view payload) {
  Reader reader(payload);
  auto message = read_size(reader);
  return if_valid(reader.complete(), message);
}

std::string encode(const InputTaken& message) {
  return Writer().integer(message.bytes).take();
}

std::optional<InputTaken> decode_input_taken(std::string_view payload) {
  Reader reader(payload);
  InputTaken message{reader.integer<std::uint32_t>()};
  return if_valid(reader.complete() && message.bytes != 0, message);
}

std::string encode(const ExitReport& message) {
  return Writer().integer(static_cast<std::uint8_t>(message.kind)).integer(message.code).take();
}

std::optional<ExitReport> decode_exit(std::string_view payload) {
  Reader reader(payload);
  ExitReport message;
  message.kind = static_cast<ExitKind>(reader.integer<std::uint8_t>());
  message.code = reader.integer<std::uint32_t>();
  return if_valid(reader.complete() && message.kind <= ExitKind::kCancelled, message);
}

std::string encode(const PutRequest& message) {
  return Writer().string(message.path).integer(message.mode).integer(message.size).take();
}

std::optional<PutRequest> decode_put(std::string_view payload) {
  Reader reader(payload);
  PutRequest message;
  message.path = reader.string();
  message.mode = reader.integer<std::uint32_t>();
  message.size = reader.integer<std::uint64_t>();
  constexpr std::uint32_t kModeBits = 07777;
  return if_valid(
      reader.complete() && is_absolute(message.path) && (message.mode & ~kModeBits) == 0, message);
}

std::string encode(const GetRequest& message) {
  return Writer().string(message.path).integer(message.limit).take();
}

std::optional<GetRequest> decode_get(std::string_view payload) {
  Reader reader(payload);
  GetRequest message;
  message.path = reader.string();
  message.limit = reader.integer<std::uint64_t>();
  return if_valid(reader.complete() && is_absolute(message.path), message);
}

std::string encode(const RemoveRequest& message) {
  return Writer().string(message.pattern).take();
}

std::optional<RemoveRequest> decode_remove(std::string_view payload) {
  Reader reader(payload);
  RemoveRequest message;
  message.pattern = reader.string();
  return if_valid(reader.complete() && is_absolute(message.pattern), message);
}

std::string encode(const RemovedReport& message) {
  return Writer().strings(message.paths).take();
}

std::optional<RemovedReport> decode_removed(std::string_view payload) {
  Reader reader(payload);
  RemovedReport message;
  message.paths = reader.strings();
  return if_valid(reader.complete(), message);
}

std::string encode(const ClockSetting& message) {
  return Writer().integer(message.microseconds).take();
}

std::optional<ClockSetting> decode_clock(std::string_view payload) {
  Reader reader(payload);
  ClockSetting message{reader.integer<std::uint64_t>()};
  return if_valid(reader.complete(), message);
}

std::string encode(const FreezeRequest& message) {
  return Writer().strings(message.mount_points).integer(message.time_limit_milliseconds).take();
}

std::optional<FreezeRequest> decode_freeze(std::string_view payload) {
  Reader reader(payload);
  FreezeRequest message;
  message.mount_points = reader.strings();
  message.time_limit_milliseconds = reader.integer<std::uint32_t>();
  bool valid = reader.complete() && message.time_limit_milliseconds != 0;
  for (const auto& path : message.mount_points) valid = valid && is_absolute(path);
  return if_valid(valid, message);
}

std::string encode(const ForwardRequest& message) {
  Writer writer;
  writer.integer(static_cast<std::uint32_t>(message.destinations.size()));
  for (const auto& [host, port] : message.destinations) writer.string(host).integer(port);
  return writer.take();
}

std::optional<ForwardRequest> decode_forward(std::string_view payload) {
  Reader reader(payload);
  ForwardRequest message;
  message.destinations.resize(reader.count(sizeof(std::uint32_t) + sizeof(std::uint16_t)));
  bool valid = true;
  for (auto& [host, port] : message.destinations) {
    host = reader.string();
    port = reader.integer<std::uint16_t>();
    // What would end a line or a word in a table of names.
    valid = valid && port != 0 && !host.empty() && is_c_string(host) &&
            host.find_first_of(" \t\r\n#") == std::string::npos;
  }
  return if_valid(valid && reader.complete(), message);
}

std::string encode(const StreamOpen& message) {
  return Writer().integer(message.destination).take();
}

std::optional<StreamOpen> decode_stream_open(std::string_view payload) {
  Reader reader(payload);
  StreamOpen message{reader.integer<std::uint16_t>()};
  return if_valid(reader.complete(), message);
}

std::string encode(const ErrorReport& message) {
  return Writer().integer(static_cast<std::uint8_t>(message.code)).string(message.message).take();
}

std::optional<ErrorReport> decode_error(std::string_view payload) {
  Reader reader(payload);
  ErrorReport message;
  message.code = static_cast<ErrorCode>(reader.integer<std::uint8_t>());
  message.message = reader.string();
  return if_valid(reader.complete() && message.code <= ErrorCode::kTimedOut, message);
}

}  // namespace kiln::agent
