// What is said of a text that is not JSON, and where.
#include <gmock/gmock.h>

#include "engine/core/json.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using testing::HasSubstr;

struct Case {
  const char* text;
  const char* where;  ///< line and column
  const char* message;
  const char* cure;
};

const std::vector<Case> kCases = {
    {"{\"a\": 1\n \"b\": 2}", "2:2", "a comma is missing before this string", "write a comma"},
    {"{\"a\": [1 2]}", "1:10", "a comma is missing before 2", "write a comma"},
    {"{\"a\": 1 true}", "1:9", "a comma is missing before true", "write a comma"},
    {"{\"a\": [\n1, 2", "2:5", "the [ at line 1, column 7 is not closed", "add the closing ]"},
    {"{\"a\": [1}", "1:9", "this } does not close the [ at line 1, column 7", "with ] first"},
    {"{\"a\": 'x'}", "1:7", "not in double quotation marks", "put it between"},
    {"{\"a\": \xE2\x80\x9Cx\xE2\x80\x9D}",
     "1:7",
     "not in double quotation marks",
     "put it between"},
    {"{'a': 1}", "1:2", "the name of this member", "put it between"},
    {"{a: 1}", "1:2", "the name of this member", "put it between"},
    {"{\"a\": True}", "1:7", "\"True\" is no value", "write true"},
    {"{\"a\": None}", "1:7", "\"None\" is no value", "write null"},
    {"{\"a\": yes}", "1:7", "\"yes\" is no value", "double quotation marks"},
    {"{\"a\": \"x}", "1:7", "the string that begins here is not closed", "quotation mark"},
    {"{\"a\": \"x,\n \"b\": 1}",
     "2:3",
     "the string that begins at line 1, column 7 goes on over the end of its line",
     "write its closing quotation mark"},
    {"{\"a\": \"c:\\windows\"}", "1:10", "after a backslash", "write a backslash itself as \\\\"},
    {"{\"a\": \"\\u12\"}", "1:8", "four hexadecimal digits", "e.g. \\u00e9"},
    {"{\"a\" 1}", "1:5", "a colon is missing", "\"name\": value"},
    {"{\"a\": }", "1:7", "a value is missing before this }", "write the value"},
    {"[1, , 2]", "1:5", "a value is missing before this ,", "remove the comma"},
    {"{\"a\": 1,, \"b\": 2}", "1:9", "this comma is one too many", "remove it"},
    {"{\"a\": 1; \"b\": 2}", "1:8", "a ; stands where a comma should", "write a comma"},
    {"{\"a\": 01}", "1:7", "how JSON writes a number", "leading 0"},
    {"{\"a\": .5}", "1:7", "how JSON writes a number", "0.5"},
    {"{\"a\": -x}", "1:7", "how JSON writes a number", "-1"},
    {"{\"a\": 1.}", "1:7", "how JSON writes a number", "0.5"},
    {"{\"a\": 1}}", "1:9", "something follows the end", "closes too early"},
    {"{\"a\": \"say \"hi\" there\"}", "1:13", "right after the string's closing", "as \\\""},
    {"{\n<<<<<<< HEAD\n\"a\": 1}", "2:1", "merge conflict", "resolve"},
    {"{\"a\": \"\xE4\"}", "1:8", "not UTF-8", "save the file as UTF-8"},
    {"}", "1:1", "a value is missing before this }", "write the value"},
    {"{\"a\": 1 /* x }", "1:9", "the comment that begins here is not closed", "add */"},
    {"{\"a\": [[], {}, {\"b\": 1e400}]}", "1:22", "this number is too large", "a smaller one"},
};

TEST(JsonFault, IsToldInWordsThatLeadToTheCure) {
  for (const auto& one : kCases) {
    SCOPED_TRACE(one.text);
    std::vector<std::string> notices;
    const auto document = JsonReader::parse_relaxed(one.text, "t", notices);
    ASSERT_THAT(document, test::FailsWith("Json:Syntax"));
    EXPECT_EQ(document.error().where(), std::string("t:") + one.where);
    EXPECT_THAT(document.error().message(), HasSubstr(one.message));
    EXPECT_THAT(document.error().cure(), HasSubstr(one.cure));
  }
}

TEST(JsonFault, StrictJsonHasNoCommentsAndNoLastComma) {
  for (const auto& [text, message] : {std::pair("{\"a\": 1} // x", "JSON has no comments"),
                                      std::pair("{\"a\": 1,}", "a comma stands before this }"),
                                      std::pair("[\"a\nb\"]", "a string holds a line break")}) {
    const auto document = JsonReader::parse(text, "t");
    ASSERT_THAT(document, test::FailsWith("Json:Syntax"));
    EXPECT_THAT(document.error().message(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace kiln
