// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/clear_calls.h"

#include "ir/fx/owner.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

std::string poolWindow(Operation *op) {
  auto list = [&](StringRef name) {
    return braced(cast<DenseI64ArrayAttr>(op->getAttr(name)).asArrayRef());
  };
  return fmt::format("{{.kernel = {}, .strides = {}, .pads = {}, .dilations = {}}}", list("kernel"),
                     list("strides"), list("pads"), list("dilations"));
}

// A kernel's operand by address. In the two-party program operands are made for the call.
std::string addressOf(const std::string &operand) {
  return StringRef(operand).starts_with("tensorOf(") ? "addressOf(" + operand + ")" : "&" + operand;
}

} // namespace

std::string clearCall(Operation *op, llvm::function_ref<std::string(Value)> operand,
                      Tables &tables) {
  auto in = [&](unsigned i = 0) { return operand(op->getOperand(i)); };
  auto shape = [&] { return bracedShape(op->getResult(0)); };
  auto call = [&](StringRef name, const std::string &arguments) {
    return fmt::format("clear::{}({})", name.str(), arguments);
  };
  auto binary = [&](StringRef name) { return call(name, in() + ", " + in(1)); };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](fx::ReshapeOp) { return call("reshape", fmt::format("{}, {}", in(), shape())); })
      .Case([&](fx::TransposeOp o) {
        return call("transpose", fmt::format("{}, {}", in(), braced(o.getPermutation())));
      })
      .Case([&](fx::ConcatOp o) {
        std::string list;
        for (Value input : o.getInputs())
          list += (list.empty() ? "" : ", ") + addressOf(operand(input));
        return call("concat<std::int64_t>", fmt::format("{{{}}}, {}", list, o.getAxis()));
      })
      .Case([&](fx::SliceOp o) {
        return call("slice", fmt::format("{}, {}, {}, {}", in(), braced(o.getStarts()),
                                         braced(o.getSteps()), shape()));
      })
      .Case([&](fx::BroadcastOp) { return call("broadcast", in() + ", " + shape()); })
      .Case([&](fx::GatherOp o) {
        return call("gather",
                    fmt::format("{}, {}, {}", in(), o.getAxis(), tables.vector(o.getIndices())));
      })
      .Case([&](fx::TakeOp o) {
        return call("take",
                    fmt::format("{}, {}, {}", in(), tables.vector(o.getIndices()), shape()));
      })
      .Case([&](fx::PadOp o) {
        return call("pad<std::int64_t>", fmt::format("{}, {}, {}, {}, {}", in(), braced(o.getLow()),
                                                     braced(o.getHigh()), braced(o.getInterior()),
                                                     integer(static_cast<int64_t>(o.getValue()))));
      })
      .Case([&](fx::TruncateOp o) {
        return call("truncate",
                    fmt::format("{}, {}, {}", in(), o.getShift(), roundingName(o.getRounding())));
      })
      .Case([&](fx::ShiftLeftOp o) {
        return call("shiftLeft", fmt::format("{}, {}", in(), o.getShift()));
      })
      .Case([&](fx::DivideOp o) {
        return call("divide",
                    fmt::format("{}, {}, {}", in(), o.getDivisor(), roundingName(o.getRounding())));
      })
      .Case([&](fx::AddOp) { return binary("add"); })
      .Case([&](fx::SubOp) { return binary("sub"); })
      .Case([&](fx::MulOp) { return binary("mul"); })
      .Case([&](fx::MinOp) { return binary("min"); })
      .Case([&](fx::MaxOp) { return binary("max"); })
      .Case([&](fx::NegOp) { return call("neg", in()); })
      .Case([&](fx::AbsOp) { return call("abs", in()); })
      .Case([&](fx::ReluOp) { return call("relu", in()); })
      .Case([&](fx::StepOp o) {
        return call("step", fmt::format("{}, /*isStrict=*/{}", in(), o.getStrict()));
      })
      .Case([&](fx::ClipOp o) {
        return call("clip<std::int64_t>",
                    fmt::format("{}, {}, {}", in(), integer(static_cast<int64_t>(o.getLow())),
                                integer(static_cast<int64_t>(o.getHigh()))));
      })
      .Case([&](fx::FunctionOp o) {
        return call("function",
                    fmt::format("{}, functionFrom({})", in(), tables.vector(o.getNumbers())));
      })
      .Case([&](fx::RowsOp o) {
        std::string divisor = o.getDivisor() ? addressOf(operand(o.getDivisor())) : "nullptr";
        return call("rows", fmt::format("{}, {}, rowFunctionFrom({})", in(), divisor,
                                        tables.vector(o.getNumbers())));
      })
      .Case([&](fx::PReluOp o) {
        return call("prelu", fmt::format("{}, {}, {}", in(), in(1),
                                         fx::fixedType(o.getSlope()).getFraction()));
      })
      .Case([&](fx::Conv2DOp o) {
        std::string bias = o.getBias() ? addressOf(operand(o.getBias())) : "nullptr";
        return call("conv2d<std::int64_t>",
                    fmt::format("{}, {}, {}, {{.strides = {}, .pads = {}, .dilations = {}, "
                                ".groups = {}}}",
                                in(), in(1), bias, braced(o.getStrides()), braced(o.getPads()),
                                braced(o.getDilations()), o.getGroups()));
      })
      .Case([&](fx::MatMulOp) { return binary("matmul"); })
      .Case([&](fx::MaxPool2DOp) { return call("maxPool2d", in() + ", " + poolWindow(op)); })
      .Case([&](fx::SumPool2DOp) { return call("sumPool2d", in() + ", " + poolWindow(op)); })
      .Case([&](fx::ReduceSumOp o) { return call("reduceSum", in() + ", " + braced(o.getAxes())); })
      .Case([&](fx::ReduceMaxOp o) { return call("reduceMax", in() + ", " + braced(o.getAxes())); })
      .Case([&](fx::ReduceMinOp o) { return call("reduceMin", in() + ", " + braced(o.getAxes())); })
      .Case([&](fx::ArgMaxOp o) {
        return call("argMax", fmt::format("{}, {}, {}", in(), o.getAxis(), o.getLast()));
      })
      .Default([](Operation *) { return std::string(); });
}

std::string suffixOf(Operation *op) {
  StringRef mnemonic = op->getName().stripDialect();
  return llvm::StringSwitch<std::string>(mnemonic)
      .Case("truncate", "truncated")
      .Case("truncate_reduce", "truncated")
      .Case("extend", "wide")
      .Case("narrow", "narrow")
      .Case("resize", "resized")
      .Case("share", "shared")
      .Case("reveal", "revealed")
      .Case("shift_left", "shifted")
      .Case("add", "sum")
      .Case("sub", "difference")
      .Case("neg", "negated")
      .Case("mul", "product")
      .Case("mul_public", "product")
      .Case("mul_private", "product")
      .Case("mul_shared", "product")
      .Case("divide", "divided")
      .Case("conv2d", "conv")
      .Case("conv2d_public", "conv")
      .Case("matmul_public", "product")
      .Case("matmul", "product")
      .Case("matmul_shared", "product")
      .Case("max_pool2d", "maxima")
      .Case("sum_pool2d", "sums")
      .Case("reduce_sum", "sums")
      .Case("reduce_max", "maxima")
      .Case("reduce_min", "minima")
      .Case("arg_max", "index")
      .Case("function", "result")
      .Case("mux", "selected")
      .Case("msb", "sign")
      .Case("bit_to_arith", "bit")
      .Case("matmul_bit", "product")
      .Case("mask", "mask")
      .Case("matmul_prepared", "product")
      .Case("reshape", "reshaped")
      .Case("transpose", "transposed")
      .Case("concat", "joined")
      .Case("slice", "slice")
      .Case("broadcast", "repeated")
      .Case("gather", "gathered")
      .Case("take", "taken")
      .Case("pad", "padded")
      .Default(mnemonic.str());
}

} // namespace dyad::compiler
