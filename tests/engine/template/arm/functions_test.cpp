// Every function of the template language: what it gives, and what it refuses.
#include "tests/engine/template/arm/evaluate.h"

namespace kiln::arm {
namespace {

using test::World;
using testing::HasSubstr;

struct Case {
  const char* expression;
  const char* wanted;  ///< compact JSON
};

void expect_values(std::initializer_list<Case> cases) {
  for (const auto& [expression, wanted] : cases) {
    EXPECT_EQ(test::shown(World().evaluate(expression)), wanted) << expression;
  }
}

/// `wanted` is part of the error's code and message.
void expect_errors(std::initializer_list<Case> cases) {
  for (const auto& [expression, wanted] : cases) {
    const auto value = World().evaluate(expression);
    ASSERT_FALSE(value.has_value()) << expression << " gives " << value->dump();
    EXPECT_THAT(test::shown(value), HasSubstr(wanted)) << expression;
    EXPECT_FALSE(value.error().cure().empty()) << expression;
    EXPECT_THAT(value.error().message(), HasSubstr("character ")) << expression;
  }
}

TEST(ArmFunctions, Texts) {
  expect_values({
      {"concat('a', 'b', 'c')", R"("abc")"},
      {"concat('a', 1, true())", R"("a1True")"},
      {"concat(createArray(1), createArray(2, 3))", "[1,2,3]"},
      {"CONCAT('it''s')", R"("it's")"},
      {"endsWith('abCDef', 'Def')", "true"},
      {"endsWith('a', 'aa')", "false"},
      {"startsWith('abCdef', 'Ab')", "true"},
      {"format('{0}-{1}', 'a', 2)", R"("a-2")"},
      {"format('{0}, {{x}} {1:N0}', 'Hi', 8175133)", R"("Hi, {x} 8,175,133")"},
      {"format('{0:D4}|{0:X}|{0:x4}|{0:000}|{0:F1}|{0:N}', 42)",
       R"("0042|2A|002a|042|42.0|42.00")"},
      {"format('{0,5}|{0,-5}|', 'ab')", R"("   ab|ab   |")"},
      {"format('{0} {1} {2}', true(), null(), createArray(1))", R"("True  [1]")"},
      {"format('no place')", R"("no place")"},
      {"format('{0:X}', -1)", R"("FFFFFFFFFFFFFFFF")"},
      {"format('{0:P}|{0:P0}|{1:C}|{2:C0}', 12, 1234, -5)",
       R"x("1,200.00 %|1,200 %|¤1,234.00|(¤5)")x"},
      {"format('{0:E}|{0:e2}|{1:E0}|{2:E1}', 1200, 15, 99)",
       R"("1.200000E+003|1.20e+003|2E+001|9.9E+001")"},
      {"format('{0:E1}|{1:E2}|{2:P}', 996, 0, 0)", R"("1.0E+003|0.00E+000|0.00 %")"},
      {"join(createArray('a', 1, 'c'), ', ')", R"("a, 1, c")"},
      {"padLeft('123', 10, '0')", R"("0000000123")"},
      {"padLeft(7, 3)", R"("  7")"},
      {"replace('123-123-1234', '-', '')", R"("1231231234")"},
      {"split('one,two', ',')", R"(["one","two"])"},
      {"split('one;two,three', createArray(',', ';'))", R"(["one","two","three"])"},
      {"split('', ',')", R"([""])"},
      {"string(1)", R"("1")"},
      {"string(true())", R"("True")"},
      {"string(createObject('a', createArray(1, 'b')))", R"("{\"a\":[1,\"b\"]}")"},
      {"substring('one two three', 4, 3)", R"("two")"},
      {"substring('abc', 3)", R"("")"},
      {"substring('aé😀b', 2, 2)", R"("😀")"},
      {"toLower('AbC')", R"("abc")"},
      {"toUpper('AbC')", R"("ABC")"},
      {"trim('  a b  ')", R"("a b")"},
  });
  expect_errors({
      {"concat()", "at least 1"},
      {"concat(createArray(1), 'a')", "argument 2 must be an array, and is a string"},
      {"concat('a', createObject())", "argument 2"},
      {"format('{1}', 'a')", "there are 1 values"},
      {"format('{0', 'a')", "partner"},
      {"format('}', 'a')", "partner"},
      {"format('{0:Q}', 1)", "not supported"},
      {"format('{a}', 1)", "no place"},
      {"substring('abc', 2, 2)", "has 3 characters"},
      {"substring('abc', -1)", "has 3 characters"},
      {"replace('a', '', 'b')", "must not be empty"},
      {"padLeft('a', 5000)", "between 0 and 4096"},
      {"padLeft('a', 5, 'xy')", "one character"},
      {"split('a', 1)", "argument 2"},
      {"toLower(1)", "argument 1 must be a string, and is an int"},
  });
}

TEST(ArmFunctions, Encodings) {
  expect_values({
      {"base64('one, two, three')", R"("b25lLCB0d28sIHRocmVl")"},
      {"base64ToString('b25lLCB0d28sIHRocmVl')", R"("one, two, three")"},
      {"base64ToJson(base64('{\"one\": \"a\"}'))", R"({"one":"a"})"},
      {"base64('ab')", R"("YWI=")"},
      {"base64ToString('YQ==')", R"("a")"},
      {"dataUri('Hello')", R"("data:text/plain;charset=utf8;base64,SGVsbG8=")"},
      {"dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", R"("Hello, World!")"},
      {"dataUriToString('data:text/plain,a%20b')", R"("a b")"},
      {"json('{\"a\": [1, 2.5, null]}')", R"({"a":[1,2.5,null]})"},
      {"json('null')", "null"},
      {"json('{''a'': ''x\"y'', \"b\": \"it''s\", ''c'': ''it\\''s''}')",
       R"({"a":"x\"y","b":"it's","c":"it's"})"},
      {"base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))", R"({"one":"a","two":"b"})"},
      {"uri('http://contoso.org/firstpath', 'myscript.sh')", R"("http://contoso.org/myscript.sh")"},
      {"uri('http://contoso.org/firstpath/', 'my.sh')", R"("http://contoso.org/firstpath/my.sh")"},
      {"uri('http://contoso.org/a/b/azuredeploy.json', '/n.sh')", R"("http://contoso.org/n.sh")"},
      {"uri('http://contoso.org/a/b/c.json', '../n.sh?x=1')", R"("http://contoso.org/a/n.sh?x=1")"},
      {"uri('https://c.org', 'a')", R"("https://c.org/a")"},
      {"uri('https://c.org/a', 'https://d.org/b')", R"("https://d.org/b")"},
      {"uriComponent('http://c.org/a b')", R"("http%3A%2F%2Fc.org%2Fa%20b")"},
      {"uriComponentToString('http%3A%2F%2Fc.org%2fa')", R"("http://c.org/a")"},
  });
  expect_errors({
      {"base64ToString('a')", "not valid base64"},
      {"base64ToString('/w==')", "not UTF-8"},
      {"base64ToJson(base64('{'))", "not valid JSON"},
      {"json('{')", "not valid JSON"},
      {"dataUriToString('Hello')", "no data URI"},
      {"uri('contoso.org', 'a')", "no absolute URI"},
      {"uriComponentToString('%ff')", "not UTF-8"},
  });
}

TEST(ArmFunctions, Collections) {
  expect_values({
      {"array('a')", R"(["a"])"},
      {"array(createArray(1))", "[1]"},
      {"createArray()", "[]"},
      {"createArray(1, 'a', null())", R"([1,"a",null])"},
      {"contains('OneTwo', 'eT')", "true"},
      {"contains('OneTwo', 'et')", "false"},
      {"contains(createArray('a', 1), 1)", "true"},
      {"contains(createArray('a'), 'A')", "false"},
      {"contains(createObject('Key', 1), 'kEY')", "true"},
      {"empty('')", "true"},
      {"empty(createArray(0))", "false"},
      {"empty(createObject())", "true"},
      {"empty(null())", "true"},
      {"first(createArray(3, 4))", "3"},
      {"first('One')", R"("O")"},
      {"first('')", R"("")"},
      {"last(createArray(3, 4))", "4"},
      {"last('One')", R"("e")"},
      {"flatten(createArray(createArray(1), createArray(2, createArray(3))))", "[1,2,[3]]"},
      {"indexOf('test', 'T')", "0"},
      {"indexOf('abc', 'z')", "-1"},
      {"indexOf(createArray('a', 'b'), 'b')", "1"},
      {"lastIndexOf('test', 't')", "3"},
      {"lastIndexOf(createArray(1, 2, 1), 1)", "2"},
      {"length('aé😀')", "4"},
      {"length(createArray(1, 2))", "2"},
      {"length(createObject('a', 1))", "1"},
      {"min(3, 1, 2)", "1"},
      {"max(createArray(3, 1, 2))", "3"},
      {"range(5, 3)", "[5,6,7]"},
      {"range(0, 0)", "[]"},
      {"take('one two', 3)", R"("one")"},
      {"take(createArray(1, 2, 3), 9)", "[1,2,3]"},
      {"take(createArray(1, 2, 3), -1)", "[]"},
      {"skip(createArray(1, 2, 3), 2)", "[3]"},
      {"skip('one two', 4)", R"("two")"},
      {"indexFromEnd(createArray(1, 2, 3), 1)", "3"},
      {"tryIndexFromEnd(createArray(1, 2, 3), 4)", "null"},
      {"intersection(createArray(1, 2, 3), createArray(3, 2))", "[2,3]"},
      {"intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", R"({"a":1})"},
      {"union(createArray(1, 2), createArray(2, 3))", "[1,2,3]"},
      {"union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
       R"({"a":{"x":1,"y":2}})"},
  });
  expect_errors({
      {"contains(1, 2)", "argument 1"},
      {"empty(1)", "argument 1"},
      {"length(true())", "argument 1"},
      {"flatten(createArray(1))", "must be an array"},
      {"min(createArray())", "must not be empty"},
      {"max('a')", "argument 1 must be an int"},
      {"range(1, 10001)", "between 0 and 10000"},
      {"range(1, -1)", "between 0 and 10000"},
      {"indexFromEnd(createArray(1), 2)", "1 items only"},
      {"intersection(1, 2)", "argument 1"},
  });
}

TEST(ArmFunctions, Objects) {
  expect_values({
      {"createObject('a', 1, 'b', createObject())", R"({"a":1,"b":{}})"},
      {"items(createObject('b', 2, 'a', 1))", R"([{"key":"a","value":1},{"key":"b","value":2}])"},
      {"objectKeys(createObject('a', 1))", R"(["a"])"},
      {"shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('A', 2)))",
       R"({"a":2})"},
      {"null()", "null"},
      {"tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", "1"},
      {"tryGet(createObject('a', 1), 'b')", "null"},
      {"tryGet(createArray(1, 2), 1)", "2"},
      {"tryGet(createArray(1), 5)", "null"},
      {"tryGet(null(), 'a')", "null"},
      {"createObject('Name', 7).name", "7"},
      {"createObject('a', createArray(4, 5))['A'][1]", "5"},
      {"createObject('a', 1).?b", "null"},
      {"createArray(1)[?3]", "null"},
      {"null().?a.?b", "null"},
  });
  expect_errors({
      {"createObject('a')", "in pairs"},
      {"createObject(1, 2)", "argument 1 must be a string"},
      {"items('a')", "must be an object"},
      {"createObject('alpha', 1).alpa", "no member \"alpa\""},
      {"createArray(1)[1]", "has 1 items"},
      {"createArray(1)['a']", "has no members"},
      {"'a'.b", "has no members"},
      {"tryGet(createArray(1), true())", "string or an int"},
  });
  EXPECT_EQ(World().evaluate("createObject('alpha', 1).alpa").error().cure(),
            "did you mean \"alpha\"?");
}

TEST(ArmFunctions, Lambdas) {
  expect_values({
      {"map(createArray(1, 2), lambda('x', add(lambdaVariables('x'), 1)))", "[2,3]"},
      {"map(createArray('a'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), "
       "lambdaVariables('i'))))",
       R"(["a0"])"},
      {"filter(range(0, 5), lambda('x', greater(lambdaVariables('x'), 2)))", "[3,4]"},
      {"reduce(createArray(1, 2, 3), 0, lambda('a', 'b', add(lambdaVariables('a'), "
       "lambdaVariables('b'))))",
       "6"},
      {"sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), "
       "lambdaVariables('b'))))",
       "[1,2,3]"},
      {"toObject(createArray('a', 'b'), lambda('x', toUpper(lambdaVariables('x'))))",
       R"({"A":"a","B":"b"})"},
      {"toObject(createArray('a'), lambda('x', lambdaVariables('x')), lambda('x', 1))",
       R"({"a":1})"},
      {"groupBy(createArray('ab', 'ac', 'b'), lambda('x', take(lambdaVariables('x'), 1)))",
       R"({"a":["ab","ac"],"b":["b"]})"},
      {"mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))", R"({"a":2})"},
      {"map(createArray(1), lambda('x', map(createArray(2), lambda('y', "
       "add(lambdaVariables('x'), "
       "lambdaVariables('y'))))))",
       "[[3]]"},
  });
  expect_errors({
      {"map(createArray(1), 'x')", "a lambda is expected"},
      {"map('a', lambda('x', 1))", "must be an array"},
      {"filter(createArray(1), lambda('x', 1))", "must give a bool"},
      {"toObject(createArray(1), lambda('x', 1))", "must give a string"},
      {"lambda('x', 1)", "can only be an argument"},
      {"lambdaVariables('x')", "no lambda"},
      {"map(createArray(1), lambda('a', 'b', 'c', 1))", "gets only 2"},
      {"map(createArray(1), lambda(1, 2))", "named by a string"},
  });
}

TEST(ArmFunctions, Numbers) {
  expect_values({
      {"add(5, 3)", "8"},
      {"sub(7, 3)", "4"},
      {"mul(5, -3)", "-15"},
      {"div(8, 3)", "2"},
      {"mod(7, 3)", "1"},
      {"mod(-7, -1)", "0"},
      {"int('4')", "4"},
      {"int(' -4 ')", "-4"},
      {"float('3.5')", "3.5"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"greater(2, 1)", "true"},
      {"greaterOrEquals('a', 'b')", "false"},
      {"less('a', 'b')", "true"},
      {"greater('A', 'a')", "true"},
      {"less('B', 'a')", "false"},
      {"lessOrEquals('a', 'a')", "true"},
      {"lessOrEquals(2, 2)", "true"},
  });
  expect_errors({
      {"add(9223372036854775807, 1)", "64-bit"},
      {"sub(-9223372036854775808, 1)", "64-bit"},
      {"mul(9223372036854775807, 2)", "64-bit"},
      {"div(1, 0)", "divisor is 0"},
      {"mod(1, 0)", "divisor is 0"},
      {"div(-9223372036854775808, -1)", "64-bit"},
      {"int('4x')", "no integer"},
      {"int('')", "no integer"},
      {"float('x')", "no number"},
      {"less(1, 'a')", "are compared"},
      {"add('1', 1)", "argument 1 must be an int"},
      {"1.5", "only integers"},
      {"9223372036854775808", "64-bit"},
  });
}

TEST(ArmFunctions, Logic) {
  expect_values({
      {"if(true(), 1, fail('not evaluated'))", "1"},
      {"if(false(), fail('not evaluated'), 2)", "2"},
      {"and(true(), true(), false())", "false"},
      {"and(false(), fail('not evaluated'))", "false"},
      {"or(false(), true())", "true"},
      {"not(false())", "true"},
      {"bool('TRUE')", "true"},
      {"bool(0)", "false"},
      {"coalesce(null(), 'a', fail('not evaluated'))", R"("a")"},
      {"coalesce(null())", "null"},
      {"equals(1, 1)", "true"},
      {"equals('a', 'A')", "false"},
      {"equals('1', 1)", "false"},
      {"equals(createObject('a', createArray(1)), createObject('a', createArray(1)))", "true"},
      {"equals(null(), null())", "true"},
  });
  expect_errors({
      {"if('true', 1, 2)", "must be a bool"},
      {"and(1, true())", "must be a bool"},
      {"not('a')", "must be a bool"},
      {"bool('yes')", "neither true nor false"},
      {"fail('stop here')", "the template says: stop here"},
      {"true(1)", "takes 0 arguments"},
  });
}

TEST(ArmFunctions, Dates) {
  expect_values({
      {"dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", R"("4/7/2023 2:53:14 PM")"},
      {"dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", R"("3/29/2020 2:53:14 PM")"},
      {"dateTimeAdd('20200407T145314Z', 'PT1H', 'yyyyMMddTHHmmssZ')", R"("20200407T155314Z")"},
      {"dateTimeAdd('2020-01-31', 'P1M', 'u')", R"("2020-02-29 00:00:00Z")"},
      {"dateTimeAdd('2019-12-31T23:59:59+02:00', 'P1W', 's')", R"("2020-01-07T21:59:59")"},
      {"dateTimeAdd('2020-01-01', 'P1DT1S', 'dddd d MMMM yy h:m:s tt')",
       R"("Thursday 2 January 20 12:0:1 AM")"},
      {"dateTimeFromEpoch(1683040573)", R"("2023-05-02T15:16:13Z")"},
      {"dateTimeToEpoch('2023-05-02T15:16:13Z')", "1683040573"},
      {"dateTimeToEpoch(dateTimeFromEpoch(-1))", "-1"},
  });
  expect_errors({
      {"dateTimeAdd('yesterday', 'P1D')", "no date"},
      {"dateTimeAdd('2020-13-01', 'P1D')", "no date"},
      {"dateTimeAdd('2020-01-01', '1 day')", "no duration"},
      {"dateTimeAdd('2020-01-01', 'P99999999999Y')", "no duration"},
      {"dateTimeAdd('9999-12-31', 'P1D')", "out of the calendar"},
      {"dateTimeAdd('2020-01-01', 'P1D', 'Q')", "no date format"},
      {"dateTimeFromEpoch(999999999999999)", "out of range"},
      {"utcNow()", "only in the default value"},
      {"newGuid()", "only in the default value"},
  });
}

TEST(ArmFunctions, AddressRanges) {
  expect_values({
      {"parseCidr('10.144.0.0/20')",
       R"({"broadcast":"10.144.15.255","cidr":20,"firstUsable":"10.144.0.1",)"
       R"("lastUsable":"10.144.15.254","netmask":"255.255.240.0","network":"10.144.0.0"})"},
      {"parseCidr('fdad:3236:5555::/48').netmask", R"("ffff:ffff:ffff::")"},
      {"cidrSubnet('10.144.0.0/20', 24, 0)", R"("10.144.0.0/24")"},
      {"cidrSubnet('10.144.0.0/20', 24, 15)", R"("10.144.15.0/24")"},
      {"cidrSubnet('fdad:3236:5555::/48', 52, 1)", R"("fdad:3236:5555:1000::/52")"},
      {"cidrHost('10.144.3.0/24', 0)", R"("10.144.3.1")"},
      {"cidrHost('10.144.3.0/24', 253)", R"("10.144.3.254")"},
      {"cidrHost('fdad:3236:5555:3000::/52', 256)", R"("fdad:3236:5555:3000::100")"},
  });
  expect_errors({
      {"parseCidr('10.0.0.0')", "no address range"},
      {"parseCidr('10.0.0.0/33')", "no address range"},
      {"parseCidr('300.0.0.0/8')", "no address range"},
      {"cidrSubnet('10.0.0.0/24', 20, 0)", "between 24 and 32"},
      {"cidrSubnet('10.0.0.0/24', 25, 2)", "no subnet 2"},
      {"cidrHost('10.0.0.0/24', 254)", "no host 254"},
      {"cidrHost('10.0.0.0/24', -1)", "no host -1"},
  });
}

TEST(ArmFunctions, Scopes) {
  constexpr auto kSubscription = "/subscriptions/00000000-0000-0000-0000-000000000000";
  const auto value = [](const std::string& text) { return test::shown(World().evaluate(text)); };
  EXPECT_EQ(value("resourceId('Microsoft.Compute/images', 'i')"),
            fmt::format("\"{}/resourceGroups/kiln/providers/Microsoft.Compute/images/i\"",
                        kSubscription));
  EXPECT_EQ(value("resourceId('g', 'Microsoft.Compute/galleries/images', 'a', 'b')"),
            fmt::format("\"{}/resourceGroups/g/providers/Microsoft.Compute/galleries/a/images/b\"",
                        kSubscription));
  EXPECT_EQ(
      value("subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')"),
      fmt::format("\"{}/providers/Microsoft.Authorization/roleDefinitions/r\"", kSubscription));
  expect_values({
      {"resourceId('s', 'g', 'A.B/c', 'n')",
       R"("/subscriptions/s/resourceGroups/g/providers/A.B/c/n")"},
      {"resourceId('s', 'g', 'A.B/c/d', 'n/m')",
       R"("/subscriptions/s/resourceGroups/g/providers/A.B/c/n/d/m")"},
      {"tenantResourceId('A.B/c', 'n')", R"("/providers/A.B/c/n")"},
      {"extensionResourceId('/subscriptions/s', 'A.B/c', 'n')",
       R"("/subscriptions/s/providers/A.B/c/n")"},
      {"managementGroupResourceId('m', 'A.B/c', 'n')",
       R"("/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/n")"},
      {"resourceGroup().name", R"("kiln")"},
      {"RESOURCEGROUP().location", R"("local")"},
      {"subscription().subscriptionId", R"("00000000-0000-0000-0000-000000000000")"},
      {"deployment().name", R"("kiln")"},
      {"environment().suffixes.storage", R"("core.windows.net")"},
      {"tenant().tenantId", R"("00000000-0000-0000-0000-000000000000")"},
      {"managementGroup().name", R"("kiln")"},
      {"sys.toLower('A')", R"("a")"},
  });
  expect_errors({
      {"resourceId('A.B/c')", "at least 2"},
      {"resourceId('A.B/c', 'n', 'm')", "needs 1 names and gets 2"},
      {"resourceId('a', 'b')", "no argument is the type"},
  });
}

TEST(ArmFunctions, LiveStateIsRefusedWithTheKeyToGiveItBy) {
  for (const auto* call : {"listKeys('/a/b', '2020-01-01')",
                           "reference('/a/b')",
                           "pickZones('A.B', 'c', 'here')",
                           "providers('A.B', 'c')"}) {
    const auto value = World().evaluate(call);
    ASSERT_THAT(value, kiln::test::FailsWith("Arm:LiveState")) << call;
    EXPECT_THAT(value.error().cure(), HasSubstr("--resource-values"));
  }
  const auto cure = World().evaluate("listKeys('/a/b', '1')").error().cure();
  EXPECT_THAT(cure, HasSubstr("\"listKeys('/a/b', '1')\""));
  EXPECT_THAT(cure, HasSubstr("\"listKeys('/a/b')\""));
}

TEST(ArmFunctions, LiveStateComesFromTheGivenValues) {
  World world;
  world.context.live_values = {{"/A/B", {{"principalId", "p"}}},
                               {"listKeys('/a/b')", {{"keys", {{{"value", "k"}}}}}},
                               {"pickZones('A.B', 'c', 'here')", {"1"}}};
  EXPECT_EQ(test::shown(world.evaluate("reference('/a/b', '2020', 'Full').principalId")), R"("p")");
  EXPECT_EQ(test::shown(world.evaluate("listKeys('/a/b', '2020').keys[0].value")), R"("k")");
  EXPECT_EQ(test::shown(world.evaluate("pickZones('A.B', 'c', 'here')")), R"(["1"])");
}

TEST(ArmFunctions, UniqueStringIsArms) {
  expect_values({
      // Published with the Terraform provider for ARM as its test of the same function.
      {"uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000', 'resource-id')",
       R"("cwvxuqg24sifi")"},
      // Published as the output of a deployment.
      {"uniqueString('/subscriptions/31e9f9a0-9fd2-4294-a0a3-0101246d9700/resourceGroups/"
       "rg-modm201-20230913120256/providers/Microsoft.Compute/virtualMachines/bobjacmodm201')",
       R"("yvjxno3je5on2")"},
  });
}

TEST(ArmFunctions, GuidIsANameBasedUuid) {
  // RFC 4122's version 5 in ARM's name space, computed with another implementation.
  expect_values({{"guid('a', 'b')", R"("2d796349-8c7e-55ec-9624-54ece82ed031")"},
                 {"guid('a-b')", R"("2d796349-8c7e-55ec-9624-54ece82ed031")"}});
  expect_errors({{"guid(createArray())", "argument 1"}});
}

TEST(ArmFunctions, StringKeepsTheWrittenOrderOfMembers) {
  World world(R"({"parameters": {"p": {"type": "object", "defaultValue": {"z": 1, "a": [{"y": 2,
                  "b": "[concat('c', 'd')]"}]}}}, "variables": {"v": {"m": 1, "k": "[parameters('p')]"}}})");
  EXPECT_EQ(world.evaluate("string(parameters('p'))").value(), R"({"z":1,"a":[{"y":2,"b":"cd"}]})");
  EXPECT_EQ(world.evaluate("string(parameters('p').a[0])").value(), R"({"y":2,"b":"cd"})");
  EXPECT_EQ(world.evaluate("string(variables('v'))").value(),
            R"({"m":1,"k":{"z":1,"a":[{"y":2,"b":"cd"}]}})");
  EXPECT_EQ(world.evaluate("string(createObject('b', 1))").value(), R"({"b":1})");
}

TEST(ArmFunctions, UnknownNamesHaveSuggestions) {
  EXPECT_EQ(World().evaluate("conct('a')").error().code(), "Arm:UnknownFunction");
  EXPECT_EQ(World().evaluate("conct('a')").error().cure(), "did you mean \"concat\"?");
  EXPECT_THAT(World().evaluate("foo('a')").error().cure(), HasSubstr("use a function"));
  EXPECT_EQ(World().evaluate("if(true, 'a', 'b')").error().cure(), "write true()");
  World world(R"({"parameters": {"imageName": {"type": "string", "defaultValue": "i"}},
                  "variables": {"place": 1}})");
  EXPECT_EQ(world.evaluate("parameters('imagename')").value(), "i");
  EXPECT_EQ(world.evaluate("parameters('imgName')").error().cure(), "did you mean \"imageName\"?");
  EXPECT_EQ(world.evaluate("variables('plaec')").error().cure(), "did you mean \"place\"?");
}

TEST(ArmFunctions, SyntaxFaultsNameTheCharacter) {
  expect_errors({
      {"concat('a'",
       "Arm:Syntax: this is no template expression: ')' is expected here (character 12"},
      {"concat('a)", "this string does not end (character 9"},
      {"concat('é', 'a)", "this string does not end (character 14"},
      {"concat('a, 'b')", "the string that begins here ends too early (character 9"},
      {"if(true, 'a', 'b')", "true is a function of templates (character 5"},
      {"coalesce(Null, 'b')", "null is a function of templates (character 11"},
      {"concat", "'(' is expected"},
      {"concat('a') x", "nothing more is expected"},
      {"", "a function call"},
      {"1 + 2", "nothing more"},
      {"parameters('a').", "a name is expected"},
  });
}

TEST(ArmFunctions, BombsAreDefused) {
  std::string nested = "'a'";
  for (int i = 0; i < 100; ++i) nested = "concat(" + nested + ")";
  EXPECT_EQ(World().evaluate(nested).error().code(), "Arm:Syntax");
  // Doubles thirty times.
  std::string variables = R"({"variables": {"v0": "0123456789")";
  for (int i = 1; i <= 40; ++i) {
    variables +=
        fmt::format(R"(, "v{0}": "[concat(variables('v{1}'), variables('v{1}'))]")", i, i - 1);
  }
  EXPECT_EQ(World(variables + "}}").evaluate("variables('v40')").error().code(), "Arm:TooMuch");
  const std::string inner = "map(range(0, 10000), lambda('x', range(0, 10000)))";
  EXPECT_EQ(World().evaluate(inner).error().code(), "Arm:TooMuch");
  EXPECT_EQ(World()
                .evaluate("join(range(0, 10000), join(range(0, 10000), padLeft('', 4096)))")
                .error()
                .code(),
            "Arm:BadArgument");
  std::string chain = R"({"variables": {"v0": 1)";
  for (int i = 1; i <= 5000; ++i) {
    chain += fmt::format(R"(, "v{}": ["[variables('v{}')]"])", i, i - 1);
  }
  EXPECT_FALSE(World(chain + "}}").evaluate("variables('v5000')").has_value());
}

TEST(ArmFunctions, CirclesAreFound) {
  World world(R"({"variables": {"a": "[variables('b')]", "b": "[variables('a')]"},
                  "parameters": {"p": {"type": "string", "defaultValue": "[parameters('p')]"}},
                  "functions": [{"namespace": "f", "members": {"f": {
                    "output": {"type": "int", "value": "[f.f()]"}}}}]})");
  EXPECT_EQ(world.evaluate("variables('a')").error().code(), "Arm:Circle");
  EXPECT_EQ(world.evaluate("parameters('p')").error().code(), "Arm:Circle");
  EXPECT_FALSE(world.evaluate("f.f()").has_value());
}

}  // namespace
}  // namespace kiln::arm
