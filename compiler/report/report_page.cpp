// SPDX-License-Identifier: Apache-2.0
// See report.h. The data stands in the page as JSON; the page's script draws it.
#include "compiler/report/report.h"

#include "page.h"

#include <string_view>

namespace dyad::compiler {

std::string renderReportPage(const nlohmann::ordered_json &data) {
  // Names come from the model: "</script>" in one must not end the data.
  std::string text;
  for (const char c : data.dump())
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  constexpr std::string_view kMark = "@DATA@";
  std::string page = kReportPage;
  page.replace(page.find(kMark), kMark.size(), text);
  return page;
}

} // namespace dyad::compiler
