#include "engine/template/arm/date_time.h"

#include <array>
#include <cctype>
#include <chrono>
#include <limits>

#include "engine/core/text.h"

namespace kiln::arm {
namespace {

namespace chrono = std::chrono;

constexpr std::int64_t kDay = 86'400;

struct Fields {
  chrono::year_month_day date{};
  int hour = 0;
  int minute = 0;
  int second = 0;
};

Fields fields_of(Moment moment) {
  auto days = moment.seconds / kDay;
  auto rest = static_cast<int>(moment.seconds % kDay);
  if (rest < 0) {
    --days;
    rest += static_cast<int>(kDay);
  }
  return {chrono::year_month_day(chrono::sys_days(chrono::days(days))),
          rest / 3600,
          rest / 60 % 60,
          rest % 60};
}

bool in_range(const chrono::year_month_day& date) {
  return date.ok() && date.year() >= chrono::year(1) && date.year() <= chrono::year(9999);
}

Moment moment_of(const Fields& fields) {
  const auto days = chrono::sys_days(fields.date).time_since_epoch().count();
  const std::int64_t minutes = std::int64_t{fields.hour} * 60 + fields.minute;
  return {static_cast<std::int64_t>(days) * kDay + minutes * 60 + fields.second};
}

/// Takes what a format describes from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::optional<int> digits(std::size_t count) {
    if (text_.size() < count) return std::nullopt;
    int number = 0;
    for (const char c : text_.substr(0, count)) {
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
      number = number * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return number;
  }

  void skip_digits() {
    while (!text_.empty() && std::isdigit(static_cast<unsigned char>(text_.front())) != 0) {
      text_.remove_prefix(1);
    }
  }

  [[nodiscard]] bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

/// Minutes east of Greenwich.
std::optional<int> read_offset(Reader& reader) {
  if (reader.done() || reader.take('Z') || reader.take('z')) return 0;
  const bool east = reader.take('+');
  if (!east && !reader.take('-')) return std::nullopt;
  const auto hours = reader.digits(2);
  reader.take(':');
  const auto minutes = reader.done() ? std::optional(0) : reader.digits(2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  return (east ? 1 : -1) * (*hours * 60 + *minutes);
}

std::string month_name(unsigned month) {
  constexpr std::array<std::string_view, 12> kNames = {"January",
                                                       "February",
                                                       "March",
                                                       "April",
                                                       "May",
                                                       "June",
                                                       "July",
                                                       "August",
                                                       "September",
                                                       "October",
                                                       "November",
                                                       "December"};
  return std::string(kNames[(month - 1) % kNames.size()]);
}

std::string day_name(const chrono::year_month_day& date) {
  constexpr std::array<std::string_view, 7> kNames = {
      "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  return std::string(kNames[chrono::weekday(chrono::sys_days(date)).c_encoding() % kNames.size()]);
}

std::string number(int value, std::size_t least) {
  return fmt::format("{:0{}}", value, least);
}

/// One run of the same letter of a custom format.
std::optional<std::string> render(char letter, std::size_t count, const Fields& fields) {
  const auto year = static_cast<int>(fields.date.year());
  const auto month = static_cast<unsigned>(fields.date.month());
  const auto day = static_cast<unsigned>(fields.date.day());
  const auto two = std::min<std::size_t>(count, 2);
  switch (letter) {
    case 'y':
      return count <= 2 ? number(year % 100, count) : number(year, count);
    case 'M':
      if (count >= 3) return count == 3 ? month_name(month).substr(0, 3) : month_name(month);
      return number(static_cast<int>(month), count);
    case 'd':
      if (count == 3) return day_name(fields.date).substr(0, 3);
      if (count > 3) return day_name(fields.date);
      return number(static_cast<int>(day), count);
    case 'H':
      return number(fields.hour, two);
    case 'h':
      return number(fields.hour % 12 == 0 ? 12 : fields.hour % 12, two);
    case 'm':
      return number(fields.minute, two);
    case 's':
      return number(fields.second, two);
    case 'f':
      return std::string(count, '0');
    case 'F':
      return std::string();
    case 't':
      return std::string(fields.hour < 12 ? "AM" : "PM").substr(0, two);
    case 'z':
      return count == 1 ? "+0" : count == 2 ? "+00" : "+00:00";
    case 'K':
      return "Z";
    case 'g':
      return "A.D.";
    default:
      return std::nullopt;
  }
}

/// The custom format that a one-letter format stands for; empty where there is none.
std::string_view standard_format(char letter) {
  switch (letter) {
    case 'd':
      return "MM/dd/yyyy";
    case 'D':
      return "dddd, dd MMMM yyyy";
    case 'f':
      return "dddd, dd MMMM yyyy HH:mm";
    case 'F':
    case 'U':
      return "dddd, dd MMMM yyyy HH:mm:ss";
    case 'g':
      return "MM/dd/yyyy HH:mm";
    case 'G':
      return "MM/dd/yyyy HH:mm:ss";
    case 'm':
    case 'M':
      return "MMMM dd";
    case 'o':
    case 'O':
      return "yyyy-MM-ddTHH:mm:ss.fffffffK";
    case 'r':
    case 'R':
      return "ddd, dd MMM yyyy HH:mm:ss 'GMT'";
    case 's':
      return "yyyy-MM-ddTHH:mm:ss";
    case 't':
      return "HH:mm";
    case 'T':
      return "HH:mm:ss";
    case 'u':
      return "yyyy-MM-dd HH:mm:ssZ";
    case 'y':
    case 'Y':
      return "yyyy MMMM";
    default:
      return {};
  }
}

/// A part of a duration: a number and its letter.
struct Part {
  std::int64_t number;
  char unit;
};

std::optional<Part> take_part(std::string_view& text) {
  std::int64_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) {
    value = value * 10 + (text[digits++] - '0');
    if (value > 1'000'000'000'000) return std::nullopt;
  }
  if (digits == 0 || digits == text.size()) return std::nullopt;
  const char unit = text[digits];
  text.remove_prefix(digits + 1);
  return Part{value, unit};
}

}  // namespace

std::optional<Moment> parse_moment(std::string_view text) {
  Reader reader(trim(text));
  const auto year = reader.digits(4);
  const bool dashes = reader.take('-');
  const auto month = reader.digits(2);
  if (dashes && !reader.take('-')) return std::nullopt;
  const auto day = reader.digits(2);
  if (!year || !month || !day) return std::nullopt;
  Fields fields{chrono::year(*year) / chrono::month(static_cast<unsigned>(*month)) /
                    chrono::day(static_cast<unsigned>(*day)),
                0,
                0,
                0};
  if (!in_range(fields.date)) return std::nullopt;
  if (reader.take('T') || reader.take(' ')) {
    const auto hour = reader.digits(2);
    const bool colons = reader.take(':');
    const auto minute = reader.digits(2);
    if (colons && !reader.take(':')) return std::nullopt;
    const auto second = reader.digits(2);
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) {
      return std::nullopt;
    }
    fields = {fields.date, *hour, *minute, *second};
    if (reader.take('.')) reader.skip_digits();
  }
  const auto offset = read_offset(reader);
  if (!offset || !reader.done()) return std::nullopt;
  return Moment{moment_of(fields).seconds - std::int64_t{*offset} * 60};
}

std::optional<Moment> add_duration(Moment moment, std::string_view duration) {
  const bool back = duration.starts_with('-');
  if (back) duration.remove_prefix(1);
  if (!duration.starts_with('P') || duration.size() < 3) return std::nullopt;
  duration.remove_prefix(1);
  bool time = false;
  std::int64_t months = 0;
  std::int64_t seconds = 0;
  while (!duration.empty()) {
    if (!time && duration.front() == 'T') {
      time = true;
      duration.remove_prefix(1);
      if (duration.empty()) return std::nullopt;
      continue;
    }
    const auto part = take_part(duration);
    if (!part) return std::nullopt;
    const auto [number, unit] = *part;
    if (!time && unit == 'Y') {
      months += number * 12;
    } else if (!time && unit == 'M') {
      months += number;
    } else if (!time && (unit == 'D' || unit == 'W')) {
      seconds += number * kDay * (unit == 'W' ? 7 : 1);
    } else if (time && (unit == 'H' || unit == 'M' || unit == 'S')) {
      seconds += number * (unit == 'H' ? 3600 : unit == 'M' ? 60 : 1);
    } else {
      return std::nullopt;
    }
    // Ten thousand years are beyond every date, so nothing can overflow after this.
    constexpr std::int64_t kMost = 10'000LL * 366 * kDay;
    if (months > 120'000 || seconds > kMost) return std::nullopt;
  }
  auto fields = fields_of(moment);
  auto date = fields.date + chrono::months(back ? -months : months);
  if (!date.ok()) date = date.year() / date.month() / chrono::last;
  if (!in_range(date)) return std::nullopt;
  fields.date = date;
  const auto end = moment_of(fields).seconds + (back ? -seconds : seconds);
  constexpr std::int64_t kFirst = -62'135'596'800;  // of the year 1
  constexpr std::int64_t kLast = 253'402'300'799;   // of the year 9999
  if (end < kFirst || end > kLast) return std::nullopt;
  return Moment{end};
}

Result<std::string> format_moment(Moment moment, std::string_view format) {
  const auto bad = [&format] {
    return fail(ErrorKind::kInvalidTemplate,
                "Arm:BadFormat",
                "\"{}\" is no date format",
                printable(format, 40));
  };
  auto custom = format;
  if (format.size() == 1) {
    custom = standard_format(format.front());
    if (custom.empty()) return bad();
  }
  const auto fields = fields_of(moment);
  std::string text;
  for (std::size_t at = 0; at < custom.size();) {
    const char c = custom[at];
    if (c == '\'' || c == '"') {
      const auto end = custom.find(c, at + 1);
      if (end == std::string_view::npos) return bad();
      text += custom.substr(at + 1, end - at - 1);
      at = end + 1;
    } else if (c == '\\') {
      if (at + 1 == custom.size()) return bad();
      text += custom[at + 1];
      at += 2;
    } else if (c == '%') {
      ++at;
    } else {
      auto end = at;
      while (end < custom.size() && custom[end] == c && end - at < 10) ++end;
      const auto shown = render(c, end - at, fields);
      text += shown ? *shown : std::string(end - at, c);
      at = end;
    }
  }
  return text;
}

}  // namespace kiln::arm
