#include "engine/core/json.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

JsonReader parsed(const std::string& text) {
  auto reader = JsonReader::parse(text, "t.json");
  EXPECT_OK(reader);
  return reader ? *reader : JsonReader::of(nullptr, "broken");
}

Error failure(const std::string& text) {
  auto reader = JsonReader::parse(text, "t.json");
  EXPECT_FALSE(reader.has_value());
  return reader ? Error(ErrorKind::kInternal, "Test:Parsed", "it parsed") : reader.error();
}

TEST(Json, SaysWhereValuesStand) {
  const auto root = parsed("{\n  \"a\": [10,\n    {\"b/c\": {\"d~\": true}}]}");
  EXPECT_EQ(root.where(), "t.json:1:1");
  const auto a = root.require("a");
  ASSERT_OK(a);
  EXPECT_EQ(a->where(), "t.json:2:8 /a");
  const auto items = a->items();
  ASSERT_OK(items);
  EXPECT_EQ(items->at(0).where(), "t.json:2:9 /a/0");
  EXPECT_EQ(items->at(1).where(), "t.json:3:5 /a/1");
  const auto inner = items->at(1).require("b/c");
  ASSERT_OK(inner);
  EXPECT_EQ(inner->where(), "t.json:3:13 /a/1/b~1c");
  const auto leaf = inner->require("d~");
  ASSERT_OK(leaf);
  EXPECT_EQ(leaf->where(), "t.json:3:20 /a/1/b~1c/d~0");
}

TEST(Json, CountsCharactersNotBytesInColumns) {
  const auto root = parsed("{\"é→\": 1, \"x\": 2}");
  EXPECT_EQ(root.find("x")->where(), "t.json:1:16 /x");
}

TEST(Json, AcceptsAByteOrderMarkAndCarriageReturns) {
  const auto root = parsed("\xEF\xBB\xBF{\r\n\"x\": 2}\r\n");
  EXPECT_EQ(root.find("x")->where(), "t.json:2:6 /x");
}

TEST(Json, EscapedQuotesDoNotEndAString) {
  const auto root = parsed(R"({"a\"]}": "x\\", "b": "\\\"", "c": 1})");
  EXPECT_EQ(root.find("c")->where(), "t.json:1:36 /c");
  EXPECT_EQ(root.find("a\"]}")->where(), "t.json:1:11 /a\"]}");
}

TEST(Json, RefusesDuplicateKeysAtTheFirstRepetition) {
  const auto error = failure("{\"a\": {\"b\": 1},\n \"a\": {\"b\": 2}, \"a\": 3}");
  EXPECT_EQ(error.code(), "Json:DuplicateKey");
  EXPECT_EQ(error.where(), "t.json:2:2 /a");
  EXPECT_FALSE(error.cure().empty());
}

TEST(Json, FindsDuplicatesWrittenWithEscapes) {
  EXPECT_EQ(failure(R"({"a": 1, "\u0061": 2})").code(), "Json:DuplicateKey");
}

TEST(Json, TheSameKeyInTwoObjectsIsNoDuplicate) {
  parsed(R"({"a": {"k": 1}, "b": {"k": 2}, "c": [{"k": 1}, {"k": 2}]})");
}

TEST(Json, SaysThatAFileIsInUtf16) {
  for (const auto* text : {"\xFF\xFE{", "\xFE\xFF"}) {
    EXPECT_EQ(failure(text).code(), "Json:Utf16");
    EXPECT_NE(failure(text).cure(), "");
  }
}

TEST(Json, SyntaxErrorsHavePlaceAndCure) {
  const auto error = failure("{\n  \"a\": 1,\n}");
  EXPECT_EQ(error.code(), "Json:Syntax");
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidTemplate);
  EXPECT_EQ(error.where(), "t.json:3:1");
  EXPECT_THAT(error.cure(), HasSubstr("comma"));
}

TEST(Json, ForeignBytesAreErrorsAndNeverExceptions) {
  EXPECT_EQ(failure(" \n").code(), "Json:Empty");
  EXPECT_EQ(failure(std::string("{\0}\0", 4)).code(), "Json:Utf16");
  for (const std::string text : {"{",
                                 "[1e999]",
                                 "-",
                                 "\"\xff\xfe\"",
                                 "{\"a\":\"\x01\"}",
                                 "nul",
                                 "[1,,2]",
                                 "{\"a\" 1}",
                                 "\"\\ud800\"",
                                 "[1] 2"}) {
    EXPECT_EQ(failure(text).code(), "Json:Syntax") << text;
  }
  EXPECT_EQ(failure(std::string("{\"a\"\0:1}", 8)).code(), "Json:Syntax");
  EXPECT_EQ(failure(std::string("\0", 1)).code(), "Json:Syntax");
  EXPECT_EQ(failure(std::string("{}\0garbage", 10)).code(), "Json:Syntax");
}

TEST(Json, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_OK(JsonReader::parse(nested(128), "t"));
  EXPECT_THAT(JsonReader::parse(nested(129), "t"), FailsWith("Json:TooDeep"));
  EXPECT_THAT(JsonReader::parse(std::string(3'000'000, '['), "t"), FailsWith("Json:TooDeep"));
  EXPECT_OK(JsonReader::parse("\"" + std::string(1000, '[') + "\"", "t"));
}

TEST(Json, MemoryStaysInProportionToTheText) {
  // With a pointer stored for each value this would need 100 GB.
  std::string text = "{\"" + std::string(500'000, 'k') + "\": [0";
  for (int i = 0; i < 200'000; ++i) text += ",0";
  const auto root = parsed(text + "], \"z\": 1}");
  EXPECT_EQ(root.find("z")->where(), "t.json:1:900016 /z");
}

TEST(Json, UnknownFieldsNameTheNearestSpelling) {
  const auto root = parsed(R"({"runOutpurName": 1})");
  const auto result = root.refuse_unknown({"type", "runOutputName"});
  ASSERT_THAT(result, FailsWith("Json:UnknownField"));
  EXPECT_EQ(result.error().cure(), "did you mean \"runOutputName\"?");
  EXPECT_THAT(result.error().where(), EndsWith("/runOutpurName"));
  EXPECT_OK(root.refuse_unknown({"runOutpurName"}));
}

TEST(Json, UnknownFieldsFarFromAllListWhatThereIs) {
  const auto result = parsed(R"({"zzzzzzzzzz": 1})").refuse_unknown({"type", "name"});
  ASSERT_THAT(result, FailsWith("Json:UnknownField"));
  EXPECT_THAT(result.error().cure(), HasSubstr("type, name"));
}

TEST(Json, MessagesObeyNoTerminalCodes) {
  const auto result = parsed(R"({"\u001b[2Jx": 1})").refuse_unknown({"type"});
  ASSERT_THAT(result, FailsWith("Json:UnknownField"));
  EXPECT_EQ(result.error().describe().find('\x1b'), std::string::npos);
  EXPECT_THAT(result.error().message(), HasSubstr("\\x1b[2Jx"));
}

TEST(Json, NullCountsAsAbsent) {
  const auto root = parsed(R"({"a": null})");
  EXPECT_FALSE(root.find("a").has_value());
  EXPECT_THAT(root.require("a"), FailsWith("Json:MissingField"));
  EXPECT_EQ(*root.bool_or("a", true), true);
  EXPECT_EQ(*root.optional_string("a"), std::nullopt);
}

TEST(Json, TypedAccessSaysWhatItWantsAndWhatItFound) {
  const auto root = parsed(R"({"s": "x", "n": 3, "b": true, "a": ["x", 1], "f": 1.5})");
  EXPECT_EQ(*root.string("s"), "x");
  EXPECT_EQ(*root.bool_or("b", false), true);
  EXPECT_EQ(*root.find("n")->as_integer(0, 3), 3);
  const auto wrong = root.string("n");
  ASSERT_THAT(wrong, FailsWith("Json:WrongType"));
  EXPECT_THAT(wrong.error().message(), HasSubstr("a string is expected"));
  EXPECT_THAT(wrong.error().message(), HasSubstr("an integer"));
  EXPECT_FALSE(wrong.error().cure().empty());
  EXPECT_THAT(root.bool_or("s", false), FailsWith("Json:WrongType"));
  EXPECT_THAT(root.find("f")->as_integer(0, 9), FailsWith("Json:WrongType"));
  EXPECT_THAT(root.find("s")->members(), FailsWith("Json:WrongType"));
  EXPECT_THAT(root.find("s")->items(), FailsWith("Json:WrongType"));
  EXPECT_THAT(root.find("s")->require("x"), FailsWith("Json:WrongType"));
  const auto strings = root.find("a")->as_strings();
  ASSERT_THAT(strings, FailsWith("Json:WrongType"));
  EXPECT_THAT(strings.error().where(), EndsWith("/a/1"));
}

TEST(Json, IntegersAreBounded) {
  const auto at = [](const char* text) { return parsed(text); };
  EXPECT_THAT(at("961").as_integer(0, 960), FailsWith("Json:OutOfRange"));
  EXPECT_THAT(at("-1").as_integer(0, 960), FailsWith("Json:OutOfRange"));
  EXPECT_THAT(at("18446744073709551615").as_integer(0, 960), FailsWith("Json:OutOfRange"));
  EXPECT_THAT(at("18446744073709551615").as_integer(INT64_MIN, INT64_MAX),
              FailsWith("Json:OutOfRange"));
  EXPECT_EQ(*at("-9223372036854775808").as_integer(INT64_MIN, INT64_MAX), INT64_MIN);
  EXPECT_EQ(*at("9223372036854775807").as_integer(INT64_MIN, INT64_MAX), INT64_MAX);
}

TEST(Json, MembersKeepDocumentOrder) {
  const auto members = parsed(R"({"z": 1, "a": 2, "m": null})").members();
  ASSERT_OK(members);
  std::vector<std::string> names;
  for (const auto& [name, reader] : *members) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("z", "a", "m"));
}

TEST(Json, AReplacedValueKeepsThePositionsOfTheOriginal) {
  const auto root = parsed("{\n \"a\": [\"x\"]}");
  auto value = root.value();
  value["a"][0] = "y";
  value["new"] = 1;
  const auto replaced = root.with_value(std::move(value));
  const auto items = replaced.find("a")->items();
  ASSERT_OK(items);
  EXPECT_EQ(*items->at(0).as_string(), "y");
  EXPECT_EQ(items->at(0).where(), "t.json:2:8 /a/0");
  EXPECT_EQ(replaced.find("new")->where(), "t.json:1:1 => /new");
  const auto members = replaced.members();
  ASSERT_OK(members);
  EXPECT_EQ(members->size(), 2U);
}

TEST(Json, RelaxedTextIsReadWithOneNotice) {
  std::vector<std::string> notices;
  const auto root = JsonReader::parse_relaxed(
      "{ // first\n \"a\": [1, /* two\n lines */ 2,],\n \"u\": \"http://x/*y*/\",\n"
      " \"m\": \"one\n\ttwo\", \"z\": true,\n}",
      "t.json",
      notices);
  ASSERT_OK(root);
  EXPECT_EQ(root->find("a")->value(), nlohmann::json({1, 2}));
  EXPECT_EQ(root->find("a")->items()->at(1).where(), "t.json:3:11 /a/1");
  EXPECT_EQ(*root->string("u"), "http://x/*y*/");
  EXPECT_EQ(*root->string("m"), "one\n\ttwo");
  EXPECT_EQ(root->find("z")->where(), "t.json:6:13 /z");
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_THAT(notices[0], HasSubstr("comments, commas after the last member, line breaks"));
  EXPECT_THAT(notices[0], HasSubstr("first at t.json:1:3"));
}

TEST(Json, RelaxedReadingLetsTheLastOfTwoKeysCount) {
  std::vector<std::string> notices;
  const auto root =
      JsonReader::parse_relaxed("{\"a\": 1, \"b\": 2,\n \"a\": {\"c\": 3}}", "t.json", notices);
  ASSERT_OK(root);
  EXPECT_EQ(root->find("a")->find("c")->where(), "t.json:2:13 /a/c");
  EXPECT_EQ(root->members()->front().first, "a");
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_THAT(notices[0], HasSubstr("t.json:2:2 /a"));
}

TEST(Json, APlaceholderWithoutQuotationMarksIsText) {
  std::vector<std::string> notices;
  const auto root =
      JsonReader::parse_relaxed("{\"a\": <size-GB>,\n \"b\": [<x>,<y> ],}", "t.json", notices);
  ASSERT_OK(root);
  EXPECT_EQ(root->value(), nlohmann::json({{"a", "<size-GB>"}, {"b", {"<x>", "<y>"}}}));
  EXPECT_EQ(root->find("b")->where(), "t.json:2:7 /b");
  EXPECT_EQ(root->find("b")->items()->at(1).where(), "t.json:2:12 /b/1");
  EXPECT_THAT(notices, ElementsAre(HasSubstr("placeholders without quotation marks")));
  EXPECT_THAT(JsonReader::parse_relaxed("{\"a\": <x, \"b\": 1}", "t", notices),
              FailsWith("Json:Syntax"));
  EXPECT_THAT(JsonReader::parse_relaxed("{\"a\": <x>\n \"b\": 1}", "t", notices).error().where(),
              "t:2:2");
}

TEST(Json, StrictTextGivesNoNotice) {
  std::vector<std::string> notices;
  EXPECT_OK(JsonReader::parse_relaxed("\xEF\xBB\xBF{\"a\": \"//\"}", "t.json", notices));
  EXPECT_TRUE(notices.empty());
}

TEST(Json, FaultsInRelaxedTextNameTheOriginalPlace) {
  std::vector<std::string> notices;
  const auto fault =
      JsonReader::parse_relaxed("{\"a\": \"x\n\ny\", // c\n \"b\": [1 2]}", "t.json", notices);
  ASSERT_THAT(fault, FailsWith("Json:Syntax"));
  EXPECT_EQ(fault.error().where(), "t.json:4:10");
  EXPECT_THAT(JsonReader::parse_relaxed("{\"a\": 1,, \"b\": 2}", "t", notices),
              FailsWith("Json:Syntax"));
  EXPECT_THAT(JsonReader::parse_relaxed("{/* never ends", "t", notices), FailsWith("Json:Syntax"));
}

TEST(Json, AComputedValueNamesTheOriginsOfItsParts) {
  const auto source = parsed("{\n \"list\": [10, {\"k\": 1}],\n \"e\": \"[f()]\"}");
  JsonPlace place;
  place.keys = {"from-list", "from-expression"};
  place.children.push_back(place_from(source.find("list")->place()));
  place.children.push_back(place_from(source.find("e")->place()));
  const auto computed =
      JsonReader::computed({{"from-list", {10, {{"k", 1}}}}, {"from-expression", {{"x", {7}}}}},
                           std::make_shared<const JsonPlace>(std::move(place)),
                           "/made");
  EXPECT_EQ(computed.find("from-list")->items()->at(1).find("k")->where(), "t.json:2:21 /list/1/k");
  EXPECT_EQ(computed.find("from-expression")->where(), "t.json:3:7 /e");
  EXPECT_EQ(computed.find("from-expression")->find("x")->items()->at(0).where(),
            "t.json:3:7 /e => /x/0");
  EXPECT_EQ(computed.find("from-list")->pointer(), "/made/from-list");
  EXPECT_EQ(computed.members()->front().first, "from-list");
}

TEST(Json, AComputedValueHasPointersOnly) {
  const auto root = JsonReader::of({{"a", {1, 2}}}, "answer");
  EXPECT_EQ(root.find("a")->where(), "answer /a");
  EXPECT_EQ(root.members()->size(), 1U);
}

TEST(Json, ReadersOutliveTheRoot) {
  auto root = std::make_unique<JsonReader>(parsed(R"({"a": "kept"})"));
  const auto a = *root->find("a");
  root.reset();
  EXPECT_EQ(*a.as_string(), "kept");
}

TEST(Json, UnknownTypesNameTheRightCase) {
  const std::vector<std::string_view> known = {"SharedImage", "VHD"};
  const auto wrong_case = unknown_type(parsed("\"sharedImage\""), "distributor", known);
  EXPECT_THAT(wrong_case.message(), HasSubstr("case-sensitive"));
  EXPECT_EQ(wrong_case.cure(), "did you mean \"SharedImage\"?");
  const auto far_off = unknown_type(parsed("\"Kubernetes\""), "distributor", known);
  EXPECT_THAT(far_off.cure(), HasSubstr("SharedImage, VHD"));
  EXPECT_THAT(unknown_type(parsed("\"\""), "distributor", known).cure(), HasSubstr("SharedImage"));
}

TEST(Json, DumpReplacesInvalidUtf8) {
  EXPECT_EQ(dump_json({{"a", "\xff"}}), "{\"a\":\"\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace kiln
