// SPDX-License-Identifier: Apache-2.0
// Pages for people: the data stands in each as JSON; the page's script draws it.
#include "pages.h"

#include "compiler/report/ir_page.h"
#include "compiler/report/report.h"

#include <string_view>

namespace dyad::compiler {
namespace {

std::string withData(std::string page, const nlohmann::ordered_json &data) {
  // Names come from the model: "</script>" in one must not end the data.
  std::string text;
  for (const char c : data.dump())
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  constexpr std::string_view kMark = "@DATA@";
  page.replace(page.find(kMark), kMark.size(), text);
  return page;
}

} // namespace

std::string renderReportPage(const nlohmann::ordered_json &data) {
  return withData(kReportPage, data);
}

std::string renderIrPage(const nlohmann::ordered_json &data) { return withData(kIrPage, data); }

} // namespace dyad::compiler
