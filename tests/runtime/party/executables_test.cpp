// SPDX-License-Identifier: Apache-2.0
// The executables as users run them: a small program over TCP on loopback equals `reference`, and
// everything that can go wrong ends with a message and a status, never with a hang.
#include "runtime/net/error.h"
#include "runtime/net/tcp_channel.h"
#include "runtime/ot/node_stats.h"
#include "runtime/party/files.h"
#include "runtime/party/handshake.h"
#include "runtime/party/npy.h"
#include "runtime/tensor/tensor_cost.h"
#include "tests/runtime/party/process.h"
#include "tests/runtime/party/tiny_info.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

using namespace dyad;
using namespace dyad::test;

namespace {

constexpr const char *kServer = DYAD_TEST_SERVER;
constexpr const char *kClient = DYAD_TEST_CLIENT;
constexpr const char *kOtherClient = DYAD_TEST_OTHER_CLIENT;
constexpr const char *kReference = DYAD_TEST_REFERENCE;

constexpr std::int8_t kWeight[4][3] = {{127, -128, 3}, {-1, 64, 0}, {100, 77, -128}, {5, -5, 1}};
constexpr std::int32_t kBias[3] = {131071, -131072, 300};

std::vector<std::uint8_t> weightsFile(const char *biasName = "fc.bias") {
  const std::string header =
      fmt::format(R"({{"fc.weight":{{"dtype":"I8","shape":[4,3],"data_offsets":[0,12]}},)"
                  R"("{}":{{"dtype":"I32","shape":[1,3],"data_offsets":[12,24]}}}})",
                  biasName);
  std::vector<std::uint8_t> file(8);
  file[0] = static_cast<std::uint8_t>(header.size());
  file.insert(file.end(), header.begin(), header.end());
  const auto *weight = reinterpret_cast<const std::uint8_t *>(kWeight);
  file.insert(file.end(), weight, weight + sizeof(kWeight));
  const auto *bias = reinterpret_cast<const std::uint8_t *>(kBias);
  file.insert(file.end(), bias, bias + sizeof(kBias));
  return file;
}

// Weights, one good sample, and where results go.
class Scene {
public:
  Scene() {
    writeFile(file("w"), "test file", weightsFile());
    writeNpy(file("x.npy"), {1, 4}, std::vector<float>{1, -2.5, 0.125, 7.5});
  }
  std::string file(const std::string &name) const { return folder_ / name; }

  std::vector<std::string> server(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {kServer, "--listen", "127.0.0.1:0", "--weights", file("w")});
    return more;
  }
  std::vector<std::string> client(const std::string &port, std::vector<std::string> more = {},
                                  const char *executable = kClient) const {
    more.insert(more.begin(), {executable, "--connect", "127.0.0.1:" + port, "--input",
                               file("x.npy"), "--output", file("y.npy")});
    return more;
  }
  std::vector<std::string> reference(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {kReference, "--weights", file("w"), "--input", file("x.npy"),
                               "--output", file("r.npy")});
    return more;
  }
  // So many samples that a run is under way for long.
  void manySamples() const {
    constexpr std::int64_t kMany = 200'000;
    writeNpy(file("x.npy"), {kMany, 1, 4}, std::vector<float>(4 * kMany, 0.5f));
  }

private:
  TemporaryFolder folder_;
};

std::string portOf(Process &server) {
  const std::string before = "listening on 127.0.0.1:";
  REQUIRE(server.waitFor("\n"));
  const std::size_t at = server.output().find(before);
  REQUIRE(at != std::string::npos);
  return server.output().substr(at + before.size(),
                                server.output().find('\n', at) - at - before.size());
}

// A port on which nobody listens.
std::string freePort() { return std::to_string(TcpListener({"127.0.0.1", 0}).port()); }

std::vector<std::int64_t> raw(const std::string &file) {
  return std::get<std::vector<std::int64_t>>(readNpy(file).values);
}

// y by definition, not with the kernels that reference uses.
std::vector<std::int64_t> expected(const std::vector<float> &x) {
  std::vector<std::int64_t> y;
  for (std::size_t sample = 0; sample < x.size() / 4; ++sample)
    for (std::size_t j = 0; j < 3; ++j) {
      std::int64_t sum = kBias[j];
      for (std::size_t i = 0; i < 4; ++i)
        sum += std::llround(x[sample * 4 + i] * 256) * kWeight[i][j];
      y.push_back(std::max<std::int64_t>((sum + 128) >> tiny::kShift, 0));
    }
  return y;
}

nlohmann::json json(const std::string &file) {
  return nlohmann::json::parse(readFile(file, "test file"));
}

} // namespace

TEST_CASE("both parties compute what reference computes, on many samples", "[party][tcp]") {
  const Scene scene;
  constexpr std::int64_t kSamples = 40;
  std::mt19937 random(7);
  std::uniform_real_distribution<float> values(-7.5f, 7.5f);
  std::vector<float> x(4 * kSamples);
  std::generate(x.begin(), x.end(), [&] { return values(random); });
  writeNpy(scene.file("x.npy"), {kSamples, 1, 4}, x);

  // Each party chooses its own number of threads.
  Process server(scene.server({"--stats", scene.file("server.json"), "--threads", "3"}));
  const Finished client = runToEnd(
      scene.client(portOf(server), {"--raw", "--stats", scene.file("client.json"), "--progress"}));
  INFO(client.output);
  REQUIRE(client.status == 0);
  REQUIRE(server.wait() == 0);
  REQUIRE(runToEnd(scene.reference({"--raw", "--stats", scene.file("reference.json")})).status ==
          0);
  CHECK(readNpy(scene.file("y.npy")).shape == clear::Shape{kSamples, 1, 3});
  CHECK(raw(scene.file("y.npy")) == expected(x));
  CHECK(raw(scene.file("r.npy")) == expected(x));
  CHECK_THAT(client.output, Catch::Contains("sample 1 of 40"));

  // What one sends the other receives; nodes are of one sample and add up to the online phase.
  const nlohmann::json a = json(scene.file("server.json"));
  const nlohmann::json b = json(scene.file("client.json"));
  CHECK(a["bytes_sent"] == b["bytes_received"]);
  CHECK(a["bytes_received"] == b["bytes_sent"]);
  CHECK(a["flows"] == b["flows"]);
  CHECK(a["samples"] == kSamples);
  CHECK(a["threads"] == 3);
  CHECK(a["phases"]["online"]["cot_seconds"] <= a["phases"]["online"]["seconds"]);
  CHECK(b["threads"] == 1);
  CHECK(a["peak_rss"] > 1'000'000);
  std::int64_t sum = 0;
  for (const char *phase : {"handshake", "setup", "stock", "online", "check"}) {
    CHECK(a["phases"][phase]["bytes_sent"] == b["phases"][phase]["bytes_received"]);
    sum += a["phases"][phase]["bytes_sent"].get<std::int64_t>();
  }
  CHECK(a["bytes_sent"] == sum);
  REQUIRE(a["nodes"].size() == 4);
  // Node by node what the cost formulas predict.
  FlowCounter before;
  const NodeStats predicted[] = {
      predictedRow("/fc/Gemm", "matmul",
                   matmulCost({1, 4}, {4, 3}, false, tiny::kWide, {8, true},
                              LinearProtocol::kOtServerChooses),
                   before),
      predictedRow("/fc/Gemm", "truncate_reduce", truncateReduceCost(3, tiny::kWide, tiny::kShift),
                   before),
      predictedRow("/Relu", "relu", reluCost(3, tiny::kNarrow), before),
      predictedRow("y", "reveal", revealCost(3, tiny::kNarrow, Owner::kClient), before)};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(a["nodes"][i]["name"] == predicted[i].name);
    CHECK(a["nodes"][i]["op"] == predicted[i].op);
    CHECK(a["nodes"][i]["bytes_sent"] == predicted[i].bytesToClient);
    CHECK(a["nodes"][i]["bytes_received"] == predicted[i].bytesToServer);
    CHECK(a["nodes"][i]["flows"] == predicted[i].flows);
    CHECK(a["nodes"][i]["server_cots"] == predicted[i].serverCots);
    CHECK(a["nodes"][i]["client_cots"] == predicted[i].clientCots);
  }
  std::int64_t sent = 0;
  std::int64_t flows = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(a["nodes"][i]["name"] == b["nodes"][i]["name"]);
    CHECK(a["nodes"][i]["bytes_sent"] == b["nodes"][i]["bytes_received"]);
    CHECK(a["nodes"][i]["cots"] == b["nodes"][i]["cots"]);
    sent += a["nodes"][i]["bytes_sent"].get<std::int64_t>();
    flows += a["nodes"][i]["flows"].get<std::int64_t>();
  }
  CHECK(a["phases"]["online"]["bytes_sent"] == sent * kSamples);
  CHECK(a["phases"]["online"]["flows"] == flows * kSamples);
  CHECK(json(scene.file("reference.json"))["nodes"].size() == 2);
}

TEST_CASE("a single sample keeps the model's shape; floats are scaled", "[party][tcp]") {
  const Scene scene;
  Process server(scene.server());
  REQUIRE(runToEnd(scene.client(portOf(server))).status == 0);
  REQUIRE(server.wait() == 0);
  REQUIRE(runToEnd(scene.reference()).status == 0);
  const NpyArray y = readNpy(scene.file("y.npy"));
  CHECK(y.shape == clear::Shape{1, 3});
  std::vector<double> floats;
  for (const std::int64_t value : expected({1, -2.5, 0.125, 7.5}))
    floats.push_back(static_cast<double>(value) / 256);
  CHECK(std::get<std::vector<double>>(y.values) == floats);
  CHECK(readFile(scene.file("y.npy"), "test file") == readFile(scene.file("r.npy"), "test file"));
}

TEST_CASE("a server serves several clients, and a failed one does not end it", "[party][tcp]") {
  const Scene scene;
  Process server(scene.server({"--sessions", "3"}));
  const std::string port = portOf(server);
  CHECK(runToEnd(scene.client(port)).status == 0);
  CHECK(runToEnd(scene.client(port, {}, kOtherClient)).status == 3);
  CHECK(runToEnd(scene.client(port)).status == 0);
  CHECK(server.wait() == 0);
  CHECK_THAT(server.output(), Catch::Contains("different programs"));
}

TEST_CASE("parties of different programs both say so", "[party][tcp]") {
  const Scene scene;
  Process server(scene.server());
  const Finished client = runToEnd(scene.client(portOf(server), {}, kOtherClient));
  CHECK(client.status == 3);
  CHECK_THAT(client.output, Catch::Contains("different programs"));
  CHECK(server.wait() == 3);
  CHECK_THAT(server.output(), Catch::Contains("different programs"));
}

TEST_CASE("what is wrong with an input is said before the network is touched", "[party][tcp]") {
  const Scene scene;
  // Nobody listens on that port: a status of 1 at once means that no connection was tried.
  const std::string port = freePort();
  const auto refuses = [&](const std::vector<std::string> &options, const char *word) {
    std::vector<std::string> command{kClient, "--connect", "127.0.0.1:" + port, "--timeout", "50"};
    command.insert(command.end(), options.begin(), options.end());
    const auto begin = std::chrono::steady_clock::now();
    const Finished client = runToEnd(command);
    CHECK(client.status == 1);
    CHECK_THAT(client.output, Catch::Contains(word));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  };
  const std::string bad = scene.file("bad.npy");
  writeNpy(bad, {1, 4}, std::vector<float>{0, 0, 8, 0});
  refuses({"--input", bad}, "value 8 at [0, 2] is outside the range -7.5 to 7.5");
  writeNpy(bad, {1, 4}, std::vector<float>{0, NAN, 0, 0});
  refuses({"--input", "x=" + bad}, "value nan at [0, 1]");
  writeNpy(bad, {4, 1}, std::vector<float>{0, 0, 0, 0});
  refuses({"--input", bad}, "its shape is 4x1; the program takes 1x4");
  refuses({"--input", "z=" + bad}, "no input named 'z'");
  refuses({}, "input 'x' is missing: give --input x=FILE.npy");
  refuses({"--input", scene.file("x.npy"), "--output", scene.file("no/y.npy")}, "no/y.npy");
  refuses({"--input", scene.file("x.npy"), "--stats", scene.file("no/s.json")}, "no/s.json");
}

TEST_CASE("misuse ends with status 2, help and version with 0", "[party]") {
  const Scene scene;
  const auto misuse = [&](const char *executable, const std::vector<std::string> &options,
                          const char *word) {
    std::vector<std::string> command{executable, "--input", scene.file("x.npy")};
    command.insert(command.end(), options.begin(), options.end());
    const Finished finished = runToEnd(command);
    CHECK(finished.status == 2);
    CHECK_THAT(finished.output, Catch::Contains(word));
  };
  misuse(kClient, {"--threads", "0"}, "--threads 0: 1 to 256 are possible");
  misuse(kServer, {"--threads", "257"}, "--threads 257: 1 to 256 are possible");
  misuse(kClient, {"--tls-ca", "ca.pem"}, "--tls-ca: TLS is not available yet");
  misuse(kServer, {"--tls-key", "k.pem"}, "--tls-key: TLS is not available yet");
  misuse(kClient, {"--timeout", "0"}, "--timeout 0");
  misuse(kClient, {"--timeout", "soon"}, "--timeout");
  misuse(kClient, {"--connect", "nowhere"}, "nowhere");
  misuse(kClient, {"--listen", "127.0.0.1:0"}, "--listen");
  misuse(kReference, {"--connect", "127.0.0.1:1"}, "--connect");
  misuse(kClient, {"stray"}, "stray");
  for (const char *executable : {kServer, kClient, kReference}) {
    const Finished help = runToEnd({executable, "--help"});
    CHECK(help.status == 0);
    CHECK_THAT(help.output, Catch::Contains("--input") && Catch::Contains("tiny.onnx"));
    CHECK(runToEnd({executable, "--version"}).output.find(dyadVersion()) != std::string::npos);
  }
}

TEST_CASE("the server refuses weights of another model, and needs its file", "[party]") {
  const Scene scene;
  writeFile(scene.file("w"), "test file", weightsFile("fc.other"));
  const Finished other = runToEnd(scene.server());
  CHECK(other.status == 1);
  CHECK_THAT(other.output, Catch::Contains("another model") && Catch::Contains("'fc.bias'"));
  // By default the file is beside the executable, and the tests put none there.
  const Finished none = runToEnd({kServer, "--listen", "127.0.0.1:0"});
  CHECK(none.status == 1);
  CHECK_THAT(none.output, Catch::Contains("weights.safetensors"));
}

TEST_CASE("reference names the node and the sample of a violated range", "[party]") {
  const Scene scene;
  writeNpy(scene.file("x.npy"), {2, 1, 4}, std::vector<float>{0, 0, 0, 0, 7.5, -7.5, 7.5, 7.5});
  const Finished finished = runToEnd(scene.reference());
  CHECK(finished.status == 1);
  CHECK_THAT(finished.output, Catch::Contains("sample 1") && Catch::Contains("/fc/Gemm"));
}

TEST_CASE("a port that is taken, and a peer that is absent, are network errors", "[party][tcp]") {
  const Scene scene;
  Process server(scene.server());
  const std::string port = portOf(server);
  const Finished second =
      runToEnd({kServer, "--listen", "127.0.0.1:" + port, "--weights", scene.file("w")});
  CHECK(second.status == 3);
  CHECK_THAT(second.output, Catch::Contains(port) && Catch::Contains("taken"));

  const Finished client = runToEnd(scene.client(freePort(), {"--timeout", "0.3"}));
  CHECK(client.status == 3);
  CHECK_THAT(client.output, Catch::Contains("no server at 127.0.0.1"));
  const Finished lonely = runToEnd(scene.server({"--timeout", "0.3"}));
  CHECK(lonely.status == 3);
  CHECK_THAT(lonely.output, Catch::Contains("no client"));
}

TEST_CASE("a peer that is killed half-way is noticed at once", "[party][tcp]") {
  const Scene scene;
  scene.manySamples();
  Process server(scene.server());
  Process client(scene.client(portOf(server), {"--progress"}));
  REQUIRE(client.waitFor("sample 1 of"));
  client.signal(SIGKILL);
  CHECK(server.wait() == 3);
  CHECK_THAT(server.output(), Catch::Contains("lost the client"));
}

TEST_CASE("a peer that is stopped is given up after --timeout", "[party][tcp]") {
  const Scene scene;
  scene.manySamples();
  Process server(scene.server({"--timeout", "1"}));
  Process client(scene.client(portOf(server), {"--progress"}));
  REQUIRE(client.waitFor("sample 1 of"));
  client.signal(SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(server.wait() == 3);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  CHECK_THAT(server.output(), Catch::Contains("lost the client") && Catch::Contains("silent"));
}

TEST_CASE("Ctrl-C ends a party at once and the other one says that it is gone", "[party][tcp]") {
  const Scene scene;
  scene.manySamples();
  for (const bool interruptServer : {false, true}) {
    Process server(scene.server({"--progress", "--threads", "3"}));
    Process client(scene.client(portOf(server), {"--progress", "--threads", "2"}));
    REQUIRE(client.waitFor("sample 1 of"));
    REQUIRE(server.waitFor("sample 1 of"));
    Process &interrupted = interruptServer ? server : client;
    Process &other = interruptServer ? client : server;
    interrupted.signal(SIGINT);
    CHECK(interrupted.wait() == 130);
    CHECK_THAT(interrupted.output(), Catch::Contains("interrupted"));
    CHECK(other.wait() == 3);
    CHECK_THAT(other.output(), Catch::Contains("lost the"));
  }
  Process waiting(scene.server());
  portOf(waiting);
  waiting.signal(SIGINT);
  CHECK(waiting.wait() == 130);
}
